/** What befalls processes and Redis between two calls. @module */
import type { EdgeActor } from "./edge-actor.ts";
import type { Faults, Strike } from "./faults.ts";
import type { CronActor, Operator } from "./maintenance.ts";
import { longestUnderWayMs } from "./network.ts";
import type { RedisSide } from "./redis-side.ts";
import type { ServerActor } from "./server-actor.ts";
import { queues } from "./workload.ts";
import type { World } from "./world.ts";

interface NemesisParts {
  readonly world: World;
  readonly faults: Faults;
  readonly redis: RedisSide;
}

/** Whom it strikes. */
interface Actors {
  readonly servers: readonly ServerActor[];
  readonly clients: readonly EdgeActor[];
  readonly cron: CronActor;
  readonly operator: Operator;
}

export class Nemesis {
  readonly #parts: NemesisParts;
  readonly #actors: Actors;
  #full = false;

  constructor(parts: NemesisParts, actors: Actors) {
    this.#parts = parts;
    this.#actors = actors;
  }

  /** Strikes, or answers that this step is for something else. */
  async strike(): Promise<boolean> {
    const { world, faults } = this.#parts;
    const kind = faults.ofStep();
    if (kind === undefined) return false;
    world.trace.begin(world.steps, world.nowMs, `STRIKE ${kind}`);
    const did = await this.#do(kind);
    if (did !== "") faults.count(kind);
    world.trace.end(did);
    return true;
  }

  /** Puts an end to all faults. */
  async end(): Promise<void> {
    const { world, faults } = this.#parts;
    const { clients, operator } = this.#actors;
    faults.end();
    for (const process of world.processes) process.thaw(true);
    for (const client of clients) client.enqueues = false;
    await this.#fill(false);
    const resumeAll = (): void => {
      for (const queue of Object.keys(queues)) operator.resume(queue);
    };
    resumeAll();
    // A pause that is under way arrives until then.
    world.later({ what: "the operator lets all queues go on", afterMs: longestUnderWayMs + 1_000, happen: resumeAll });
  }

  /** Answers whom it struck; nothing when there was nobody. */
  async #do(kind: Strike): Promise<string> {
    const { world, redis, faults } = this.#parts;
    const { servers, clients, cron, operator } = this.#actors;
    const serving = servers.filter((server) => server.serves);
    switch (kind) {
      case "kill": {
        const [process] = cron.processes;
        const victims = [
          ...servers.filter(({ process: { end } }) => end === undefined),
          ...clients.filter(({ process: { end } }) => end === undefined),
        ];
        if (process !== undefined && world.chance(0.3)) {
          cron.kill(process);
          return process.name;
        }
        if (victims.length === 0) return "";
        const victim = world.pick(victims);
        const { name } = victim.process;
        victim.kill();
        return name;
      }
      case "freeze": {
        const awake = [...world.processes].filter(({ frozen }) => !frozen);
        if (awake.length === 0) return "";
        const process = world.pick(awake);
        const ms = world.pick([2_000, 20_000, 50_000, 120_000]) * (0.5 + world.random.float());
        process.freeze(ms);
        return `${process.name} for ${Math.round(ms / 1000)} s`;
      }
      case "disconnect": {
        if (serving.length === 0) return "";
        const server = world.pick(serving);
        server.disconnect();
        return server.process.name;
      }
      case "partition": {
        if (serving.length === 0) return "";
        const server = world.pick(serving);
        const ms = world.pick([5_000, 20_000, 45_000, 120_000]);
        server.disconnect(ms);
        return `${server.process.name} for ${ms / 1000} s`;
      }
      case "outage": {
        const ms = world.pick([1_000, 10_000, 45_000]);
        faults.awayUntilMs = world.nowMs + ms;
        this.#disconnectAll();
        return `for ${ms / 1000} s`;
      }
      case "refusal": {
        const kind = world.pick(["LOADING", "READONLY", "BUSY"] as const);
        const ms = world.pick([1_000, 10_000, 45_000]);
        faults.refuse(kind, ms);
        this.#disconnectAll();
        return `${kind} for ${ms / 1000} s`;
      }
      case "script flush":
        await redis.ask("SCRIPT", "FLUSH");
        return "Redis";
      case "redis full":
        if (this.#full) return "";
        await this.#fill(true);
        world.later({ what: "Redis has room again", afterMs: world.below(40_000), happen: () => this.#fill(false) });
        return "Redis";
      case "shutdown": {
        if (serving.length === 0) return "";
        const server = world.pick(serving);
        void server.shutdown();
        return server.process.name;
      }
      case "pause":
        operator.pause();
        return "a queue";
      case "cancel":
        operator.cancel();
        return "a run";
    }
  }

  #disconnectAll(): void {
    for (const each of [...this.#actors.servers, ...this.#actors.clients]) if (each.process.end === undefined) each.disconnect();
  }

  /** Redis takes no more, or does. */
  async #fill(full: boolean): Promise<void> {
    this.#full = full;
    await this.#parts.redis.ask("CONFIG", "SET", "maxmemory", full ? "1" : "0");
  }
}
