/** The first argument of every operation: a Redis, a clock, chance, and the bookkeeping of one client. @module */
import type { CallRecords } from "./call-records.ts";
import type { Clock, Random } from "./clock.ts";
import type { RedisPort } from "./redis.ts";

export interface Broker {
  readonly redis: RedisPort;
  readonly clock: Clock;
  readonly random: Random;
  /** The call records of this client (docs/guarantees in README: what a replay answers). */
  readonly calls: CallRecords;
  /** When each queue's name was last written to `asynq:queues`, monotonic milliseconds. */
  readonly published: Map<string, number>;
}
