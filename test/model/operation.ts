import type { Steps } from "./call.ts";
import type { History } from "./history.ts";

/** One step of a history, its arguments fixed to what is there. */
export interface Operation {
  /** What it is, for the list that a failure prints. */
  readonly text: string;
  /** The operations of core that it is made of, by which tasks may move (`transitions`); absent for what is done to Redis behind their back. */
  readonly moves?: readonly string[];
  readonly run: () => Promise<unknown>;
  /** What the model does meanwhile; absent where nothing is sent through a port. */
  readonly steps?: () => Steps;
  /** Whether it mends: it is to find nothing where nobody wrote behind everybody's back. */
  readonly mends?: boolean;
  /** What its process keeps of an answer that came. */
  readonly keep?: (answer: never) => void;
}

/** A kind of step: its arguments as numbers, so that any of them means something in any history. */
export interface OperationKind<A> {
  readonly name: string;
  /** How often it is taken, beside the others. */
  readonly weight: number;
  readonly args: import("fast-check").Arbitrary<A>;
  /** Nothing where there is nothing to do it to. */
  readonly prepare: (args: A, history: History) => Operation | undefined;
}
