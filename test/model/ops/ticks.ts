/** What happens when nobody is watching: forwarder, recoverer and janitor, request by request. @module */
import { forward, janitor, recover } from "@asynqjs/core";
import fc from "fast-check";
import type { Actor } from "../actor.ts";
import { askAll, type Call, Refusal, type Steps, unrecorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { layoutOf, secOf, taskAt } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { changeStored, readStored } from "../stored-message.ts";
import { reclaimSets } from "../verbs/aggregation.ts";
import { deleteAggregatedTasks, deleteExpiredTasks } from "../verbs/delete-tasks.ts";
import { type Forwarded, forwardTasks } from "../verbs/forward.ts";
import { firstOf } from "../verbs/next-sec.ts";
import { type Settled, type StoredOutcome, settleTasks } from "../verbs/settle.ts";
import { queues } from "./new-task.ts";

export const someQueues: fc.Arbitrary<readonly string[]> = fc.constantFrom([queues[0]], [queues[1]], [...queues], [...queues]);

interface QueueError {
  readonly queue: string;
  readonly error: string;
}
/** What a tick reports of a queue that cannot be served. */
export function errorsOf(queue: string, answer: unknown): QueueError[] {
  return answer instanceof Refusal ? [{ queue, error: answer.reply }] : [];
}

export const forwardKind: OperationKind<{ by: number; some: readonly string[] }> = {
  name: "forward",
  weight: 6,
  args: fc.record({ by: fc.nat(3), some: someQueues }),
  prepare({ by, some }, { actors }) {
    const actor = actors[by]!;
    return {
      text: `${actor.name} forwards in ${some.join(", ")}`,
      moves: ["forwardDue"],
      run: () => forward(actor.broker, { queues: some }),
      *steps(): Steps {
        const { nowMs } = actor;
        const sets = some.flatMap((queue) => (["scheduled", "retry"] as const).map((from) => ({ queue, from })));
        const answers = yield* askAll(
          sets.map(({ queue, from }): Call => ({ name: "forward-due", apply: (k) => forwardTasks(k, queue, from, nowMs) })),
        );
        const counts = answers.filter((answer): answer is Forwarded => !(answer instanceof Refusal));
        const sum = (name: "forwarded" | "dangling" | "quarantined"): number => counts.reduce((total, one) => total + one[name], 0);
        return {
          forwarded: sum("forwarded"),
          dangling: sum("dangling"),
          quarantined: sum("quarantined"),
          more: false,
          nextSec: firstOf(counts.map(({ nextSec }) => nextSec)),
          errors: answers.flatMap((answer, i) => errorsOf(sets[i]!.queue, answer)),
        };
      },
    };
  },
};

export const recoverKind: OperationKind<{ by: number; some: readonly string[]; recoverNoRetry: boolean }> = {
  name: "recover",
  weight: 8,
  args: fc.record({ by: fc.nat(3), some: someQueues, recoverNoRetry: fc.boolean() }),
  prepare({ by, some, recoverNoRetry }, { actors }) {
    const actor = actors[by]!;
    return {
      text: `${actor.name} recovers in ${some.join(", ")}${recoverNoRetry ? ", what may not be retried too" : ""}`,
      moves: ["settle"],
      run: () => recover(actor.broker, { queues: some, recoverNoRetry }),
      steps: () => recoverSteps(actor, some, recoverNoRetry),
    };
  },
};

interface Expired {
  readonly id: string;
  readonly score: number;
  readonly msg: string | undefined;
  readonly recovered: string | undefined;
}

interface Listed {
  readonly expired: readonly Expired[];
  readonly nextSec: number | undefined;
}

function listExpired(k: Keyspace, queue: string, cutoffSec: number): Listed | undefined {
  const { lease } = layoutOf(queue);
  if (!k.fits("zset", lease)) return undefined;
  const live = k.ranked(lease).find(([, score]) => score > cutoffSec);
  const expired = k
    .ranked(lease)
    .filter(([, score]) => score <= cutoffSec)
    .map(([id, score]) => ({ id, score, msg: k.field(taskAt(queue, id), "msg"), recovered: k.field(taskAt(queue, id), "js:recovered") }));
  return { expired, nextSec: live === undefined ? undefined : Math.ceil(live[1]) };
}

function* recoverSteps(actor: Actor, some: readonly string[], recoverNoRetry: boolean): Steps {
  const { nowMs, kept: limits } = actor;
  const cutoffSec = secOf(nowMs) - 30;
  const counts = { recovered: 0, archived: 0, quarantined: 0, dangling: 0, reclaimed: 0, trimmed: 0 };
  const errors: QueueError[] = [];
  const nextSecs: (number | undefined)[] = [];
  const looks = yield* askAll(
    some.map(
      (queue): Call => ({
        name: "list-expired-leases",
        apply(k) {
          const found = listExpired(k, queue, cutoffSec);
          return found === undefined ? wrongKind : unrecorded(found);
        },
      }),
    ),
  );
  const settles: { readonly queue: string; readonly outcomes: readonly StoredOutcome[] }[] = [];
  for (const [i, listed] of looks.entries()) {
    const queue = some[i]!;
    errors.push(...errorsOf(queue, listed));
    if (listed instanceof Refusal) continue;
    const { expired, nextSec } = listed as Listed;
    nextSecs.push(nextSec === undefined ? undefined : nextSec + 30);
    const outcomes = expired.map((one) => lostTask(queue, one, nowMs, recoverNoRetry, actor.random.told));
    if (outcomes.length > 0) settles.push({ queue, outcomes });
  }
  const settled = yield* askAll(
    settles.map(
      ({ queue, outcomes }): Call => ({ name: "settle", apply: (k) => settleTasks(k, { queue, outcomes, nowMs, cutoffSec, limits }) }),
    ),
  );
  for (const [i, answer] of settled.entries()) {
    const { queue, outcomes } = settles[i]!;
    errors.push(...errorsOf(queue, answer));
    if (answer instanceof Refusal) continue;
    const { verdicts, trimmed } = answer as Settled;
    counts.trimmed += trimmed;
    for (const [nth, verdict] of verdicts.entries()) {
      const { to } = outcomes[nth]!;
      if (verdict === "dangling") counts.dangling++;
      else if (verdict === "settled" && (to === "recovered" || to === "archived" || to === "quarantined")) counts[to]++;
    }
  }
  const answers = yield* askAll(
    some.map((queue): Call => ({ name: "reclaim-stale-aggregation-sets", apply: (k) => reclaimSets(k, queue, nowMs) })),
  );
  for (const [i, answer] of answers.entries()) {
    const queue = some[i]!;
    errors.push(...errorsOf(queue, answer));
    if (answer instanceof Refusal) continue;
    const { reclaimed, dangling, putOff, nextSec } = answer as Reclaimed;
    nextSecs.push(nextSec);
    counts.reclaimed += reclaimed;
    counts.dangling += dangling;
    if (putOff > 0) errors.push({ queue, error: "WRONGTYPE" });
  }
  return { ...counts, more: false, nextSec: firstOf(nextSecs), errors };
}

interface Reclaimed {
  readonly reclaimed: number;
  readonly dangling: number;
  readonly putOff: number;
  readonly nextSec: number | undefined;
}

/** A lost worker charges nothing: retry, later each time; archived at the third in a row, or where it may not be retried. */
function lostTask(
  queue: string,
  { id, score, msg, recovered }: Expired,
  nowMs: number,
  recoverNoRetry: boolean,
  draw: () => number,
): StoredOutcome {
  const lost = { id, fence: { score } } as const;
  if (msg === undefined) return { ...lost, to: "quarantined", note: "no message" };
  const message = readStored(msg, queue, id);
  if (typeof message === "string") return { ...lost, to: "quarantined", note: message };
  const [count, ofRetried] = (recovered ?? "").split("@").map(Number);
  const crashes = 1 + (ofRetried === message.retried ? (count ?? 0) : 0);
  const lastFailedAtSec = secOf(nowMs);
  const expired = "asynq: task lease expired";
  if (crashes >= 3 || (message.retry === 0 && !recoverNoRetry)) {
    const errorMsg = crashes >= 3 ? `crashed ${crashes} workers` : expired;
    return { ...lost, to: "archived", msg: changeStored(msg, { errorMsg, lastFailedAtSec }) };
  }
  return {
    ...lost,
    to: "recovered",
    msg: changeStored(msg, { errorMsg: expired, lastFailedAtSec }),
    atSec: secOf(nowMs + 1000 * 2 ** crashes * (1 + draw())),
    note: `${crashes}@${message.retried}`,
  };
}

export const janitorKind: OperationKind<{ by: number; some: readonly string[]; batchSize: number }> = {
  name: "janitor",
  weight: 4,
  args: fc.record({ by: fc.nat(3), some: someQueues, batchSize: fc.constantFrom(1, 2, 100) }),
  prepare({ by, some, batchSize }, { actors }) {
    const actor = actors[by]!;
    return {
      text: `${actor.name} deletes what is over in ${some.join(", ")}, ${batchSize} a call`,
      moves: ["deleteExpired", "deleteAggregated"],
      run: () => janitor(actor.broker, { queues: some, batchSize }),
      steps: () => janitorSteps(actor, some, batchSize),
    };
  },
};

function* janitorSteps({ nowMs, kept }: Actor, some: readonly string[], batchSize: number): Steps {
  const counts = { expired: 0, completedTrimmed: 0, trimmed: 0, aggregatedDeleted: 0, dangling: 0 };
  const errors: QueueError[] = [];
  const nextSecs: (number | undefined)[] = [];
  let [withExpired, withAggregated] = [some, some];
  while (withExpired.length + withAggregated.length > 0) {
    const requests: (readonly Call[])[] = [
      withExpired.map((queue): Call => ({ name: "delete-expired", apply: (k) => deleteExpiredTasks(k, queue, kept, nowMs, batchSize) })),
      withAggregated.map((queue): Call => ({ name: "delete-aggregated", apply: (k) => deleteAggregatedTasks(k, queue) })),
    ];
    const sent = requests.filter((calls) => calls.length > 0);
    const answers = yield sent;
    const answersTo = (calls: readonly Call[] | undefined): readonly unknown[] => answers[sent.indexOf(calls!)] ?? [];
    const [expired, aggregated] = requests.map(answersTo);
    for (const [i, queue] of withExpired.entries()) {
      errors.push(...errorsOf(queue, expired![i]));
      if (expired![i] instanceof Refusal) continue;
      const one = expired![i] as Omit<typeof counts, "aggregatedDeleted"> & { readonly nextSec: number | undefined };
      nextSecs.push(one.nextSec);
      counts.expired += one.expired;
      counts.completedTrimmed += one.completedTrimmed;
      counts.trimmed += one.trimmed;
      counts.dangling += one.dangling;
    }
    for (const [i, queue] of withAggregated.entries()) {
      errors.push(...errorsOf(queue, aggregated![i]));
      if (!(aggregated![i] instanceof Refusal)) counts.aggregatedDeleted += (aggregated![i] as { deleted: number }).deleted;
    }
    const hasMore = (answer: unknown): boolean => !(answer instanceof Refusal) && (answer as { more: boolean }).more;
    withExpired = withExpired.filter((_, i) => hasMore(expired![i]));
    withAggregated = withAggregated.filter((_, i) => hasMore(aggregated![i]));
  }
  return { ...counts, more: false, nextSec: firstOf(nextSecs), errors };
}
