/** The first argument of every operation: a Redis, a clock, chance, and the bookkeeping of one client. @module */
import { CallRecords } from "./call-records.ts";
import type { Clock, Random } from "./clock.ts";
import type { Limits } from "./limits.ts";
import type { RedisPort } from "./redis.ts";

export interface Broker {
  readonly redis: RedisPort;
  readonly clock: Clock;
  readonly random: Random;
  /** The call records of this client: what a replay is answered by. */
  readonly calls: CallRecords;
  /** How much of what is over is kept. Absent: Asynq's limits. */
  readonly limits?: Limits | undefined;
  /** When each queue's name was last written to `asynq:queues`, monotonic milliseconds. */
  readonly published: Map<string, number>;
}

/**
 * A broker of its own for each `Client`, `Server` and tick run: its call records belong to nobody else. Does no I/O and draws no
 * randomness, so a module may make one while it loads.
 */
export function makeBroker({ redis, clock, random, limits }: Pick<Broker, "redis" | "clock" | "random" | "limits">): Broker {
  return { redis, clock, random, limits, calls: new CallRecords(random), published: new Map() };
}
