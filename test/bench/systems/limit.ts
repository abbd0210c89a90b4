import { Redis } from "ioredis";
import lua from "../limit.lua";
import type { System } from "../system.ts";
import { asynqjs } from "./asynqjs.ts";

declare module "ioredis" {
  interface Redis {
    limit(...words: (string | number)[]): Promise<string[]>;
  }
}

/**
 * What no queue on this layout can be faster than: a script that only moves, without fence and call record, in calls of the same size. Not
 * a system: it loses tasks.
 */
export const limit: System = {
  makeProducer: asynqjs.makeProducer,
  async startWorker(redisPort, { concurrency, handler }) {
    const redis = new Redis(redisPort, { protocol: 2 });
    redis.defineCommand("limit", { lua, numberOfKeys: 5 });
    const keys = ["pending", "active", "lease", "processed:2040-01-02", "processed"].map((name) => `asynq:{default}:${name}`);
    // As in a server of ours: two calls share the slots, the second a turn later, so that Redis works while the tasks of the other run.
    const batch = Math.min(100, Math.ceil(concurrency / 2));
    let closing = false;
    const lines = Array.from({ length: concurrency > 1 ? 2 : 1 }, async (_, line) => {
      let done: string[] = [];
      while (!closing) {
        if (line > 0) await new Promise(setImmediate);
        const reply = await redis.limit(...keys, "asynq:{default}:t:", batch, Math.floor(Date.now() / 1000) + 30, ...done);
        done = [];
        const runs: Promise<void>[] = [];
        for (let i = 0; i < reply.length; i += 2) {
          done.push(reply[i]!);
          // The message is read as bytes and the payload found in it: the cheapest there is.
          runs.push(handler(payloadOf(reply[i + 1]!)));
        }
        await Promise.all(runs);
        if (reply.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    return {
      async close() {
        closing = true;
        await Promise.all(lines);
        redis.disconnect();
      },
    };
  },
};

/** Our payloads begin with `#`, and no field before one holds that. */
function payloadOf(message: string): string {
  return message.slice(message.indexOf("#"));
}
