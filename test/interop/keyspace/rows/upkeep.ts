/** What our janitor and our repair do that Go has not, or does later. */
import { even, has, isLockLeft, onlyGos, onlyOurs, placeOf } from "../difference-parts.ts";
import type { Difference } from "../differences.ts";
import type { Comparison, Exception, Mends } from "../exceptions.ts";
import { membersOf, pairsOf, type Snapshot, taskOf } from "../snapshot.ts";

const archiveMaxAgeSec = 90 * 24 * 3600;

export const ofUpkeep: readonly Exception[] = [
  {
    row: "Trimmed locks",
    allows(difference, at) {
      const { queue, rest, id } = placeOf(difference);
      if (!isTrimmed(queue, id, at)) return false;
      // v0.24.1 leaves the hash as well.
      const isHash = rest === `t:${id}` && onlyGos(difference) && pairsOf(at.go, `asynq:{${queue}}:archived`)[id] === undefined;
      return (isLockLeft(difference) || isHash) && even(difference, at);
    },
  },
  {
    row: "Limits",
    allows(difference, at) {
      const { queue, rest, id } = placeOf(difference);
      const archivedSec = Number(pairsOf(at.go, `asynq:{${queue}}:archived`)[id]);
      const isDue = at.move?.move === "work" && isTrimmed(queue, id, at) && archivedSec <= at.nowSec - archiveMaxAgeSec;
      const isPart = (rest === "archived" && difference.part === "member") || rest === `t:${id}`;
      return isDue && isPart && onlyGos(difference) && even(difference, at);
    },
  },
  {
    row: "Repair",
    allows(difference, at) {
      const { queue, rest } = placeOf(difference);
      if (difference.key === "asynq:js:sweep:found") return onlyOurs(difference) && at.ours.keys[difference.name!] !== undefined;
      if (difference.key === "asynq:js:sweep") return onlyOurs(difference);
      if (rest === "js:repair") return onlyOurs(difference) && /^\d+:\d+:\d*$/.test(difference.ours!);
      return at.step === "repair" && repaired(difference, queue, at);
    },
  },
];

/** An archived task of which ours has nothing left. */
function isTrimmed(queue: string, id: string, { before, ours }: Comparison): boolean {
  const archived = `asynq:{${queue}}:archived`;
  return pairsOf(before.ours, archived)[id] !== undefined && pairsOf(ours, archived)[id] === undefined && !has(ours, queue, id);
}

/** What one look mends of what Go leaves alone. */
function repaired(difference: Difference, queue: string, at: Comparison): false | Mends {
  const { rest, id } = placeOf(difference);
  if (rest === "lease") {
    const isActive = membersOf(at.go, `asynq:{${queue}}:active`).includes(id);
    return isActive && onlyOurs(difference) && Number(difference.ours) <= at.nowSec && even(difference, at);
  }
  if (!isHomeless(at.go, queue, id)) return false;
  const hasMessage = taskOf(at.go, queue, id).msg !== undefined;
  if (rest === "pending") return hasMessage && onlyOurs(difference) && [["LPUSH", difference.key, id]];
  if (rest !== `t:${id}` || difference.part !== "field") return false;
  const isRequeued = hasMessage && (difference.name === "state" ? difference.ours === "pending" : difference.name === "pending_since");
  return (isRequeued || (!hasMessage && onlyGos(difference))) && even(difference, at);
}

/** A hash whose id is in no container. */
function isHomeless(snapshot: Snapshot, queue: string, id: string): boolean {
  const names = ["pending", "active"].map((name) => membersOf(snapshot, `asynq:{${queue}}:${name}`));
  const sorted = ["scheduled", "retry", "archived", "completed"].map((name) => Object.keys(pairsOf(snapshot, `asynq:{${queue}}:${name}`)));
  return has(snapshot, queue, id) && ![...names, ...sorted].some((ids) => ids.includes(id));
}
