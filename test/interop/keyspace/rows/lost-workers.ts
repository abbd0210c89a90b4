/** What becomes of tasks that lost a worker, or that no worker here could run. */
import { even, messageField, onlyGos, onlyOurs, placeOf, retriedOf } from "../difference-parts.ts";
import type { Difference } from "../differences.ts";
import type { Comparison, Exception } from "../exceptions.ts";
import { membersOf, pairsOf, type Snapshot, taskOf } from "../snapshot.ts";

export const ofLostWorkers: readonly Exception[] = [
  {
    row: "Quarantine",
    allows(difference, { go, ours }) {
      const { queue, rest, id } = placeOf(difference);
      const [inGo, inOurs] = [taskOf(go, queue, id), taskOf(ours, queue, id)];
      if (inOurs.state !== "js:quarantine" || inGo.state !== "active" || inOurs["js:from"] !== inGo.state) return false;
      if (rest === `t:${id}`)
        return difference.name === "state" || (["js:from", "js:why"].includes(difference.name!) && onlyOurs(difference));
      return rest === "js:quarantine" ? onlyOurs(difference) : ["active", "lease"].includes(rest) && onlyGos(difference);
    },
  },
  {
    row: "Crash count",
    allows(difference, { ours }) {
      const { queue, id } = placeOf(difference);
      const isCount = difference.part === "field" && difference.name === "js:recovered" && onlyOurs(difference);
      return isCount && new RegExp(`^[12]@${retriedOf(taskOf(ours, queue, id))}$`).test(difference.ours!);
    },
  },
  {
    row: "Crash is no failure",
    allows(difference, at) {
      const { queue, rest, id } = placeOf(difference);
      if (isCounter(rest)) return isApart(difference, recoveredNow(at, queue).length) && even(difference, at);
      const isAllowed = isRecoveredNow(at, queue, id)
        ? isUncharged(difference) || (rest === "retry" && difference.part === "score" && isSoon(difference, at))
        : isThirdCrash(at, queue, id) && (isUncharged(difference) || isArchived(difference));
      return isAllowed && even(difference, at);
    },
  },
  {
    row: "Handed back",
    allows(difference, at) {
      const { queue, rest, id } = placeOf(difference);
      if (isCounter(rest)) return isApart(difference, handedBackNow(at, queue).length) && even(difference, at);
      if (difference.part === "field" && difference.name === "js:handed_back") return onlyOurs(difference) && Number(difference.ours) <= 10;
      if (!handedBackNow(at, queue).includes(id)) return false;
      if (rest === "scheduled") return onlyOurs(difference) && isWithin(difference.ours, at, 1, 60) && even(difference, at);
      if (rest === "retry") return onlyGos(difference) && even(difference, at);
      const isAllowed = difference.name === "state" || isUncharged(difference) || (difference.field === 11 && onlyGos(difference));
      return isAllowed && even(difference, at);
    },
  },
  {
    row: "Suspects",
    allows(difference, at) {
      const { queue, rest, id } = placeOf(difference);
      const [inGo, inOurs] = [taskOf(at.go, queue, id), taskOf(at.ours, queue, id)];
      if (inOurs["js:recovered"] === undefined || inOurs.state !== "scheduled" || inGo.state !== "active") return false;
      if (rest === "scheduled") return onlyOurs(difference) && isWithin(difference.ours, at, 1, 5);
      return rest === `t:${id}` ? difference.name === "state" : ["active", "lease"].includes(rest) && onlyGos(difference);
    },
  },
  {
    row: "Requeued tasks keep their age",
    allows(difference, { go, ours, before, move }) {
      const { queue, id } = placeOf(difference);
      if (difference.part !== "field" || difference.name !== "pending_since" || !onlyOurs(difference)) return false;
      const isRequeued = move?.move === "work" && move.whileHeld === "shut-down" && taskOf(ours, queue, id).state === "pending";
      const [inGo, inOurs] = [before.go, before.ours].map((snapshot) => taskOf(snapshot, queue, id).pending_since);
      return taskOf(go, queue, id).state === taskOf(ours, queue, id).state && (isRequeued || (inGo === undefined && inOurs !== undefined));
    },
  },
];

const isCounter = (rest: string): boolean => /^(processed|failed)(:\d{4}-\d\d-\d\d)?$/.test(rest);

/** Go counted so many more. */
function isApart({ part, go, ours }: Difference, count: number): boolean {
  return part === "string" && count > 0 && Number(go ?? 0) - Number(ours ?? 0) === count;
}

/** Go charged one failure more. */
function isUncharged({ part, field, go, ours }: Difference): boolean {
  return part === "message" && field === 6 && Number(go ?? 0) - Number(ours ?? 0) === 1;
}

function isWithin(second: string | undefined, { nowSec, slackSec }: Comparison, from: number, to: number): boolean {
  return Number(second) >= nowSec + from - slackSec && Number(second) <= nowSec + to + slackSec;
}

/** 1 s · 2ⁿ and up to as much again, n being 1 or 2; sooner than Go. */
function isSoon({ go, ours }: Difference, at: Comparison): boolean {
  return isWithin(ours, at, 2, 8) && Number(ours) < Number(go);
}

/** Tasks whose worker was lost before this and that are recovered by it. */
function recoveredNow(at: Comparison, queue: string): string[] {
  return membersOf(at.before.ours, `asynq:{${queue}}:active`).filter((id) => isRecoveredNow(at, queue, id));
}

function isRecoveredNow({ before, ours, go }: Comparison, queue: string, id: string): boolean {
  const wasActive = [before.ours, before.go].every((snapshot) => taskOf(snapshot, queue, id).state === "active");
  const task = taskOf(ours, queue, id);
  return wasActive && task.state === "retry" && task["js:recovered"] !== undefined && taskOf(go, queue, id).state === "retry";
}

function isThirdCrash({ before, ours }: Comparison, queue: string, id: string): boolean {
  return taskOf(before.ours, queue, id).state === "active" && messageField(taskOf(ours, queue, id), 7) === "crashed 3 workers";
}

/** Archived by ours, in retry with Go. */
function isArchived(difference: Difference): boolean {
  const { rest } = placeOf(difference);
  if (rest === "retry") return difference.part === "member" && onlyGos(difference);
  if (rest === "archived") return difference.part === "member" && onlyOurs(difference);
  return (
    difference.name === "state" ||
    (difference.part === "message" && difference.field === 7 && difference.go === "asynq: task lease expired")
  );
}

/** Tasks that were handed back by this: none failed of those. */
function handedBackNow({ before, ours, go }: Comparison, queue: string): string[] {
  const isNew = (id: string): boolean => handBacks(ours, queue, id) === handBacks(before.ours, queue, id) + 1;
  const isFailedInGo = (id: string): boolean => taskOf(go, queue, id).state === "retry" && taskOf(ours, queue, id).state === "scheduled";
  return Object.keys(pairsOf(ours, `asynq:{${queue}}:scheduled`)).filter((id) => isNew(id) && isFailedInGo(id));
}

function handBacks(snapshot: Snapshot, queue: string, id: string): number {
  return Number(taskOf(snapshot, queue, id)["js:handed_back"] ?? 0);
}
