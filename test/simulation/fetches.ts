/** What a server asks Redis for and is given: the tasks that it has to answer for. @module */
import type { Command, CommandResult, RedisPort } from "@asynqjs/core";
import { isFetch, type TakenLease, takenBy } from "./dequeue-call.ts";
import { commandName } from "./redis-side.ts";
import type { World } from "./world.ts";

export class Fetches {
  /** The leases that were given to it, since its start. */
  readonly given: TakenLease[] = [];
  readonly #world: World;
  #underWay = 0;
  #endedAtMs: number | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** A port that is watched. */
  watch(port: RedisPort): RedisPort {
    const send: RedisPort["send"] = async (commands, options) => {
      if (!commands.some(takes)) return await port.send(commands, options);
      this.#underWay++;
      try {
        const results = await port.send(commands, options);
        this.#hear(commands, results);
        return results;
      } finally {
        this.#underWay--;
        this.#endedAtMs = this.#world.nowMs;
      }
    };
    return { features: () => port.features(), send, close: () => port.close() };
  }

  /** The token that a task was given with, the last time. */
  lastGiven(id: string): TakenLease | undefined {
    return this.given.findLast((lease) => lease.id === id);
  }

  /** When its last fetch ended; nothing while one is under way, nor before the first. */
  get endedAtMs(): number | undefined {
    return this.#underWay > 0 ? undefined : this.#endedAtMs;
  }

  #hear(commands: readonly Command[], results: readonly CommandResult[]): void {
    for (const [i, command] of commands.entries()) {
      const { reply, error } = results[i]!;
      if (error === undefined && takes(command)) this.given.push(...takenBy(command, reply));
    }
  }
}

function takes(command: Command): boolean {
  return isFetch(commandName(command));
}
