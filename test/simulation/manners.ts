/** What handlers do: everything that a user's handler may do to its server. @module */
import { RevokeTask, SkipRetry } from "@asynqjs/core";
import type { ProcessingTask } from "@asynqjs/worker-node";
import type { SimProcess } from "./sim-process.ts";

/** What travels in a task: which task it is, and what its handler is to do. */
export interface Order {
  readonly n: number;
  readonly manner: Manner;
  readonly ms: number;
  /** How many of its first runs do not go well. */
  readonly times: number;
  /** The tasks that an aggregated one stands for. */
  readonly of?: readonly number[];
}

/** What a handler is called with: the run's own count, from 0, is how often this task ran before, wherever. */
export interface HandlerCall {
  readonly task: ProcessingTask;
  readonly order: Order;
  readonly process: SimProcess;
  readonly before: number;
  /** Keeps the whole process from doing anything. */
  readonly block: (ms: number) => void;
}

/** An error that `isFailure` lets off. */
export class NotNow extends Error {}

const odd: readonly (() => unknown)[] = [
  () => null,
  () => undefined,
  () => "",
  () => 0,
  () => "just text",
  () => ({ message: 7 }),
  () => Object.assign(new Error(""), { name: "" }),
  () => new Error("\ud800 and half a character".repeat(200)),
  () =>
    Object.defineProperty({}, "message", {
      get: () => {
        throw new Error("no");
      },
    }),
  () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("do not look");
        },
        getPrototypeOf: () => {
          throw new Error("nor here");
        },
      },
    ),
];

export const manners = {
  /** Succeeds without waiting for anything. */
  quick() {},
  /** Takes time, and heeds nothing. */
  slow: ({ process, order }: HandlerCall) => process.sleep(order.ms),
  /** Takes longer than a lease, and heeds nothing. */
  long: ({ process, order }: HandlerCall) => process.sleep(20_000 + order.ms * 10),
  /** Fails at first. */
  async fails({ process, order, before }: HandlerCall) {
    await process.sleep(order.ms);
    if (before < order.times) throw new Error(`run ${before} fails`);
  },
  hopeless() {
    throw new Error("never works");
  },
  /** Throws what is no error. */
  odd({ order, before }: HandlerCall) {
    if (before < order.times) throw odd[(order.n + before) % odd.length]!();
  },
  skips() {
    throw new Error("not again", { cause: new SkipRetry() });
  },
  revokes() {
    throw new RevokeTask();
  },
  /** Asks to be called later, which is no failure. */
  notNow({ before, order }: HandlerCall) {
    if (before < order.times) throw new NotNow("not now");
  },
  /** Goes on long after it was told to end. */
  async deaf({ process, order, before, task }: HandlerCall) {
    if (before >= order.times) return;
    await process.sleep(order.ms * 10);
    await task.resultWriter.write("too late").catch(() => {});
  },
  /** Ends when it is told to, and says so. */
  async polite({ process, order, before, task }: HandlerCall) {
    if (before >= order.times) return;
    await process.sleep(order.ms * 10, task.signal);
    if (task.signal.aborted) throw task.signal.reason;
  },
  /** Is done as soon as it is told to end. */
  async inTime({ process, order, task }: HandlerCall) {
    await process.sleep(order.ms * 3, task.signal);
  },
  /** Lets nothing else in its process happen, for up to a hundred seconds. */
  async blocks({ process, order, before, block }: HandlerCall) {
    if (before >= order.times) return;
    block(order.ms * 10);
    await process.sleep(0);
  },
  /** Leaves a result and lines behind, and does not wait for all of it. */
  async writes({ process, order, task }: HandlerCall) {
    task.logWriter.log("begun").catch(() => {});
    await process.sleep(order.ms);
    await task.logWriter.log("half of it done").catch(() => {});
    await task.resultWriter.writeJson({ n: order.n }).catch(() => {});
    task.logWriter.log("done").catch(() => {});
  },
} as const satisfies Record<string, (call: HandlerCall) => unknown>;

export type Manner = keyof typeof manners;
