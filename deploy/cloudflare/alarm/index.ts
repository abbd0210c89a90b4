/** The same as `cron`, every ten seconds: by the alarm of a Durable Object, which a cron trigger starts and watches over. */
import { DurableObject } from "cloudflare:workers";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { TickAlarm } from "@asynqjs/cron-fn/alarm";

interface Env {
  readonly REDIS_URL: string;
  readonly REDIS_TOKEN: string;
  readonly TICK_EVERY_MS: string;
  readonly TICKS: DurableObjectNamespace<Ticks>;
}

export class Ticks extends DurableObject<Env> {
  readonly #alarm = new TickAlarm(this.ctx.storage, {
    redis: fetchRedis({ url: this.env.REDIS_URL, token: this.env.REDIS_TOKEN }),
    everyMs: Number(this.env.TICK_EVERY_MS),
  });

  start(): Promise<void> {
    return this.#alarm.start();
  }

  override alarm(): Promise<void> {
    return this.#alarm.ring();
  }
}

export default {
  async scheduled(_: ScheduledController, env: Env): Promise<void> {
    // One name, one object in the world.
    await env.TICKS.getByName("ticks").start();
  },
};
