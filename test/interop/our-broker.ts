import { Client, type Task } from "@asynqjs/client-edge";
import {
  type Broker,
  type DequeuedTask,
  dequeue,
  type EnqueueOptions,
  makeBroker,
  type SettleVerdict,
  settle,
  systemRandom,
  type TaskOutcome,
} from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { type ManualClock, manualClock } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";

/** A client and a worker's broker of ours, on a clock of their own: what they lease long ago has expired for Go, without a wait. */
export interface OurBroker {
  readonly broker: Broker;
  readonly clock: ManualClock;
  /** @throws what `Client.enqueue` throws */
  enqueue(task: Task, options?: EnqueueOptions): Promise<void>;
  /** Takes tasks from `default`. */
  take(limit?: number): Promise<readonly DequeuedTask[]>;
  /** Settles a task it took. */
  settle(task: DequeuedTask, outcome: OutcomeOf<TaskOutcome>): Promise<SettleVerdict | Error>;
}

type OutcomeOf<T> = T extends unknown ? Omit<T, "queue" | "id" | "fence"> : never;

/** Ours, `agoSec` seconds before now, or before another time. */
export function ourBroker(redis: Redis, agoSec = 0, nowMs: number = Date.now()): OurBroker {
  const clock = manualClock(nowMs - agoSec * 1000);
  const parts = { redis: ioredisPort(redis), clock, random: systemRandom };
  const broker = makeBroker(parts);
  const client = new Client(parts);
  return {
    broker,
    clock,
    async enqueue(task, options) {
      await client.enqueue(task, options);
    },
    take: async (limit = 100) => (await dequeue(broker, ["default"], limit)).tasks,
    async settle({ queue, id, token }, outcome) {
      const [result] = (await settle(broker, [{ queue, id, fence: { token }, ...outcome } as TaskOutcome])).results;
      return result!.verdict ?? result!.error;
    },
  };
}
