import { type EnqueueOptions, RevokeTask, SkipRetry } from "@asynqjs/core";
import type { ProcessingTask } from "@asynqjs/worker-node";

/** What a handler may ask for while it runs. */
export interface Helpers {
  /** Asks the servers to end this task. */
  cancel(task: ProcessingTask): void;
  /** Resolves when the test lets its held tasks go. */
  readonly letGo: Promise<void>;
}

/** A way through Asynq's states. */
export interface Fate {
  readonly options: EnqueueOptions;
  readonly run: (task: ProcessingTask, helpers: Helpers) => unknown;
  /** How often its handler runs where no run is lost. */
  readonly runs: number;
  /** Where the task is in the end. */
  readonly ends: "gone" | "completed" | "archived";
}

const fail = (): never => {
  throw new Error("told to fail");
};

const aborted = ({ signal }: ProcessingTask): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/** By the task's type. */
export const fates: Readonly<Record<string, Fate>> = {
  done: { options: {}, run: () => {}, runs: 1, ends: "gone" },
  kept: { options: { retentionSec: 3_600 }, run: (task) => task.resultWriter.write(task.id), runs: 1, ends: "completed" },
  expires: { options: { retentionSec: 1 }, run: () => {}, runs: 1, ends: "gone" },
  "fails once": { options: {}, run: ({ retryCount }) => retryCount > 0 || fail(), runs: 2, ends: "gone" },
  "always fails": { options: { maxRetry: 1 }, run: fail, runs: 2, ends: "archived" },
  skips: { options: {}, run: () => Promise.reject(new SkipRetry("no use")), runs: 1, ends: "archived" },
  "is revoked": { options: {}, run: () => Promise.reject(new RevokeTask("not wanted")), runs: 1, ends: "gone" },
  "is due later": { options: { processInSec: 1 }, run: () => {}, runs: 1, ends: "gone" },
  "is unique": { options: { uniqueTtlSec: 3_600 }, run: () => {}, runs: 1, ends: "gone" },
  "is due later and unique": { options: { uniqueTtlSec: 3_600, processInSec: 2 }, run: () => {}, runs: 1, ends: "gone" },
  // It runs in its aggregated task.
  "is in a group": { options: { group: "g" }, run: fail, runs: 1, ends: "gone" },
  "is canceled once": {
    options: {},
    async run(task, { cancel }) {
      if (task.retryCount > 0) return;
      cancel(task);
      await aborted(task);
    },
    runs: 2,
    ends: "gone",
  },
};

/** Those that a test asks for one by one. */
const others: Readonly<Record<string, Fate>> = {
  "runs at once": { options: {}, run: () => {}, runs: 1, ends: "gone" },
  "runs until it is let go": { options: {}, run: (_, { letGo }) => letGo, runs: 1, ends: "gone" },
  "runs until it is told to end": { options: {}, run: (task) => task.retryCount > 0 || aborted(task), runs: 2, ends: "gone" },
};

export function fateOf(type: string): Fate | undefined {
  return fates[type] ?? others[type];
}

/** In it run those of a group: their ids are its payload. */
export const aggregated = "aggregated";
