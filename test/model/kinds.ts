import fc from "fast-check";
import type { Fault } from "./model-port.ts";
import type { OperationKind } from "./operation.ts";
import { aggregateKind } from "./ops/aggregate.ts";
import { cancelKind, semaphoreKind, serverKind } from "./ops/beside-tasks.ts";
import { enqueueKind } from "./ops/enqueue.ts";
import { evictKind, faultKind } from "./ops/faults.ts";
import { goAggregateKind, goEnqueueKind } from "./ops/go-client.ts";
import { inspectorKind } from "./ops/go-inspector.ts";
import { goDequeueKind, goRecoverKind, goSettleKind } from "./ops/go-worker.ts";
import { checkKind, lateAsideKind, setKind } from "./ops/groups.ts";
import { pauseKind, quarantineKind } from "./ops/queue-wide.ts";
import { readKind } from "./ops/reads.ts";
import { repairKind } from "./ops/repair.ts";
import { forwardKind, janitorKind, recoverKind } from "./ops/ticks.ts";
import { advanceKind, flushKind, jumpKind, repeatKind } from "./ops/time.ts";
import { dequeueKind, extendKind, settleAndDequeueKind, settleKind, writeKind } from "./ops/work.ts";

// biome-ignore lint/suspicious/noExplicitAny: each kind has arguments of its own
const kinds: readonly OperationKind<any>[] = [
  enqueueKind,
  dequeueKind,
  settleKind,
  settleAndDequeueKind,
  extendKind,
  writeKind,
  forwardKind,
  recoverKind,
  janitorKind,
  checkKind,
  setKind,
  aggregateKind,
  repairKind,
  pauseKind,
  quarantineKind,
  semaphoreKind,
  cancelKind,
  serverKind,
  readKind,
  faultKind,
  evictKind,
  inspectorKind,
  goDequeueKind,
  goSettleKind,
  goRecoverKind,
  goEnqueueKind,
  goAggregateKind,
  advanceKind,
  jumpKind,
  flushKind,
  repeatKind,
  lateAsideKind,
];

// biome-ignore lint/suspicious/noExplicitAny: as above
const backs: readonly OperationKind<any>[] = [
  faultKind,
  evictKind,
  inspectorKind,
  goDequeueKind,
  goSettleKind,
  goRecoverKind,
  goEnqueueKind,
  goAggregateKind,
  lateAsideKind,
];

/** A step of a history before it is known what there is. */
export interface Step {
  // biome-ignore lint/suspicious/noExplicitAny: each kind has arguments of its own
  readonly kind: OperationKind<any>;
  readonly args: unknown;
  readonly fault: Fault;
}

/** The same by the name of its kind. */
export interface KeptStep extends Omit<Step, "kind"> {
  readonly kind: string;
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export function kindOf(name: string): OperationKind<any> {
  const kind = kinds.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`no kind of step is named ${name}`);
  return kind;
}

const none: Fault = { kind: "none", at: 0 };
/** Most operations send one request. */
const lostAt = fc.constantFrom(0, 0, 0, 1, 2, 3);
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 14, arbitrary: fc.constant(none) },
  { weight: 3, arbitrary: fc.constant<Fault>({ kind: "twice", at: 0 }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lose-reply" as const), at: lostAt }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lose-request" as const), at: lostAt }) },
);

const stepOf = (some: typeof kinds): fc.Arbitrary<Step> =>
  fc.oneof(...some.map((kind) => ({ weight: kind.weight, arbitrary: fc.record({ kind: fc.constant(kind), args: kind.args, fault }) })));
const historyOf = (some: typeof kinds): fc.Arbitrary<Step[]> => fc.array(stepOf(some), { minLength: 1, maxLength: 200, size: "max" });

/** In some histories nobody writes behind everybody's back: there nothing may ever be broken. */
export const histories: fc.Arbitrary<Step[]> = fc.oneof(historyOf(kinds), historyOf(kinds.filter((kind) => !backs.includes(kind))));
