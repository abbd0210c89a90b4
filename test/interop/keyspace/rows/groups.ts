/** Groups and the sets that are made of them. */
import { even, has, isLockLeft, messageField, onlyOurs, placeOf } from "../difference-parts.ts";
import type { Exception } from "../exceptions.ts";
import { pairsOf, type Snapshot, taskOf } from "../snapshot.ts";

export const ofGroups: readonly Exception[] = [
  {
    row: "Lock of a grouped task",
    allows(difference, at) {
      const { queue, id } = placeOf(difference);
      if (difference.part === "field" && difference.name === "unique_key" && onlyOurs(difference)) {
        const task = taskOf(at.ours, queue, id);
        return task.group !== undefined && messageField(task, 10) === difference.ours;
      }
      // The task is gone, and the lock with it.
      if (!isLockLeft(difference) || has(at.go, queue, id) || has(at.ours, queue, id)) return false;
      const { group, unique_key: held } = taskOf(at.before.ours, queue, id);
      return group !== undefined && held === difference.key && even(difference, at);
    },
  },
  {
    row: "Group index",
    allows(difference, { go, ours }) {
      const { queue, rest, id: group } = placeOf(difference);
      if (rest !== "groups" || difference.part !== "element") return false;
      const [inGo, inOurs] = [go, ours].map((snapshot) => Object.keys(pairsOf(snapshot, `asynq:{${queue}}:g:${group}`)).length);
      if (onlyOurs(difference)) return inGo! > 0 && [["SADD", difference.key, group]];
      return inGo === 0 && inOurs === 0 && [["SREM", difference.key, group]];
    },
  },
  {
    row: "Deadline of a set",
    // An extension every 40 s, each to two minutes from then.
    allows({ key, part, go, ours }, { slackSec }) {
      const laterSec = Number(ours) - Number(go);
      return (
        key.endsWith(":aggregation_sets") && part === "score" && laterSec >= 40 - slackSec && (laterSec + slackSec) % 40 <= 2 * slackSec
      );
    },
  },
  {
    row: "Aggregated sets",
    allows(difference, { ours }) {
      if (!onlyOurs(difference)) return false;
      const { queue, rest, id } = placeOf(difference);
      if (rest === "js:aggregated") return ours.keys[difference.name!] !== undefined;
      const sets = setsOf(ours, queue);
      if (difference.part === "member") return sets.includes(difference.key);
      const isLeft = rest === `t:${id}` && sets.some((set) => pairsOf(ours, set)[id] !== undefined);
      return isLeft && taskOf(ours, queue, id).state === "aggregating";
    },
  },
];

/** Sets whose aggregated task is enqueued. */
function setsOf(snapshot: Snapshot, queue: string): string[] {
  return Object.keys(pairsOf(snapshot, `asynq:{${queue}}:js:aggregated`));
}
