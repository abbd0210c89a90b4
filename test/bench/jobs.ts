/** What a process of the benchmark is told to do, and what it tells. Both are lines of JSON, so that Go takes part. @module */

export type Job = { readonly redisPort: number } & (
  | {
      /** Enqueues `tasks` tasks after `warmup` more: one after the other, `inFlight` at once, or `perCall` in a call. */
      readonly role: "produce";
      readonly tasks: number;
      readonly warmup: number;
      readonly inFlight: number;
      readonly perCall: number;
      readonly payloadBytes: number;
      /** They take turns. */
      readonly queues: readonly string[];
      readonly uniqueForSec: number;
      readonly groups: number;
      /** The number of its first task. */
      readonly from: number;
    }
  | {
      /** Runs `warmup` tasks and then `tasks` more, and ends. */
      readonly role: "work";
      readonly tasks: number;
      readonly warmup: number;
      readonly concurrency: number;
      readonly handlerMs: number;
      readonly queues: Readonly<Record<string, number>>;
      readonly strict: boolean;
      readonly groupSize: number;
      /** Every task with a number that divides by it fails the first time; 0 is none. */
      readonly failOneIn: number;
    }
  | {
      /** Makes what is due pending, invocation after invocation, until nothing is left. */
      readonly role: "forward";
    }
  | {
      /** Enqueues one task for each line it is sent, its payload the time. */
      readonly role: "tick";
    }
  | {
      /** Runs tasks until it is ended; `tells` of each how long it took from its enqueueing until its handler began. */
      readonly role: "listen";
      readonly concurrency: number;
      readonly tells: boolean;
    }
);

export type JobOf<Role extends Job["role"]> = Extract<Job, { role: Role }>;

/** What a process tells. */
export type Told =
  | { readonly event: "ready" }
  /** From here on it is measured. */
  | { readonly event: "warm" }
  | {
      readonly event: "done";
      readonly ms: number;
      /** Of the whole process, from warm to done. */
      readonly cpuUs: number;
      readonly rssMiB: number;
      /** Handlers called, warm-up included; those of tasks that ran before apart. */
      readonly runs: number;
      readonly repeated: number;
      /** Of single calls, where they are awaited one by one. */
      readonly p50Us?: number | undefined;
      readonly p99Us?: number | undefined;
    }
  | { readonly event: "started"; readonly afterUs: number }
  | { readonly event: "closed" };

/** `#<number>#` and filling: the number is found again by every system. */
export function payloadOf(number: number, bytes: number): string {
  return `#${number}#`.padEnd(bytes, "x");
}

export function numberIn(payload: string): number {
  return Number(payload.slice(1, payload.indexOf("#", 1)));
}
