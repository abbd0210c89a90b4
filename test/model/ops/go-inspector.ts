/** What Go's inspector does to tasks and queues, by the steps of the specification; its holes included. @module */
import fc from "fast-check";
import type { PlainCommand } from "../commands.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, keyOf, layoutOf, queuesKey, secOf, taskAt } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { groups, ids, queues } from "./new-task.ts";

interface At {
  readonly queue: string;
  readonly id: string;
  readonly group: string;
  readonly nowSec: number;
}
type Move = (k: Keyspace, at: At) => readonly PlainCommand[];

/** Takes a task that waits out of its container; nothing where Go's script fails, as for one in an aggregation set. */
function takeOut(k: Keyspace, { queue, id }: At): PlainCommand[] | undefined {
  const { pending, groups: index } = layoutOf(queue);
  const state = k.field(taskAt(queue, id), "state");
  const group = k.field(taskAt(queue, id), "group");
  if (state === undefined || state === "active") return undefined;
  if (state === "pending") return k.items(pending).includes(id) ? [["LREM", pending, 0, id]] : undefined;
  const container = state === "aggregating" ? groupAt(queue, group ?? "") : keyOf(queue, state);
  if (k.score(container, id) === undefined || (state === "aggregating" && !k.fits("set", index))) return undefined;
  const isLast = state === "aggregating" && k.ranked(container).length === 1;
  return [["ZREM", container, id], ...(isLast ? [["SREM", index, group!] as const] : [])];
}

const run: Move = (k, at) => {
  const { pending } = layoutOf(at.queue);
  const task = taskAt(at.queue, at.id);
  const out = k.field(task, "state") === "pending" || !k.fits("list", pending) ? undefined : takeOut(k, at);
  return out ? [...out, ["LPUSH", pending, at.id], ["HSET", task, "state", "pending"]] : [];
};

const archive: Move = (k, at) => {
  const { archived } = layoutOf(at.queue);
  const task = taskAt(at.queue, at.id);
  const out = k.field(task, "state") === "archived" || !k.fits("zset", archived) ? undefined : takeOut(k, at);
  return out ? [...out, ["ZADD", archived, at.nowSec, at.id], ["HSET", task, "state", "archived"]] : [];
};

const remove: Move = (k, at) => {
  const task = taskAt(at.queue, at.id);
  const out = takeOut(k, at);
  return out ? [...out, ...release(k, at.queue, at.id), ["DEL", task]] : [];
};

/** Gives back the lock that the task's hash names, if the task holds it. */
function release(k: Keyspace, queue: string, id: string): PlainCommand[] {
  const lock = k.field(taskAt(queue, id), "unique_key");
  return lock && k.text(lock) === id ? [["DEL", lock]] : [];
}

/** Every task of a sorted set. A hash that is gone is begun anew with nothing but a state. */
const all = (from: "scheduled" | "retry" | "archived", to: "pending" | "archived" | "gone"): Move => {
  return (k, { queue, nowSec }) => {
    const keys = layoutOf(queue);
    const found = k.ranked(keys[from]).map(([id]) => id);
    const fits =
      (to === "pending" ? k.fits("list", keys.pending) : k.fits("zset", keys.archived)) &&
      found.every((id) => k.fits("hash", taskAt(queue, id)));
    if (found.length === 0 || !fits) return [];
    const each = found.flatMap((id): PlainCommand[] => {
      const task = taskAt(queue, id);
      if (to === "gone") return [...release(k, queue, id), ["DEL", task]];
      const moved: PlainCommand = to === "pending" ? ["LPUSH", keys.pending, id] : ["ZADD", keys.archived, nowSec, id];
      return [moved, ["HSET", task, "state", to]];
    });
    return [...each, ["DEL", keys[from]]];
  };
};

/** The hashes go, the locks stay. */
const deleteAllPending: Move = (k, { queue }) => {
  const { pending } = layoutOf(queue);
  const found = k.items(pending);
  return found.length === 0 ? [] : [...found.map((id): PlainCommand => ["DEL", taskAt(queue, id)]), ["DEL", pending]];
};

const ofGroup = (to: "pending" | "gone"): Move => {
  return (k, { queue, group }) => {
    const { pending, groups: index } = layoutOf(queue);
    const key = groupAt(queue, group);
    const found = k.ranked(key).map(([id]) => id);
    const fits = k.fits("list", pending) && k.fits("set", index) && found.every((id) => k.fits("hash", taskAt(queue, id)));
    if (found.length === 0 || !fits) return [];
    const each = found.flatMap((id): PlainCommand[] => {
      const task = taskAt(queue, id);
      return to === "gone"
        ? [["DEL", task]]
        : [
            ["LPUSH", pending, id],
            ["HSET", task, "state", "pending"],
          ];
    });
    return [...each, ["SREM", index, group], ["DEL", key]];
  };
};

/** Completed tasks, groups, locks and counters stay behind. */
const removeQueue: Move = (k, { queue }) => {
  const keys = layoutOf(queue);
  const named = [keys.pending, keys.active, keys.scheduled, keys.retry, keys.archived];
  if (!k.members(queuesKey).has(queue) || k.has(keys.active) || ![...named, keys.lease].every((key) => k.text(key) === undefined))
    return [];
  const found = named.flatMap((key) => [...k.items(key), ...k.ranked(key).map(([id]) => id)]);
  return [
    ...found.map((id): PlainCommand => ["DEL", taskAt(queue, id)]),
    ...[...named, keys.lease].map((key): PlainCommand => ["DEL", key]),
    ["SREM", queuesKey, queue],
  ];
};

const moves: readonly (readonly [text: string, move: Move])[] = [
  ["runs the task", run],
  ["runs the task", run],
  ["archives the task", archive],
  ["archives the task", archive],
  ["deletes the task", remove],
  ["deletes the task", remove],
  ["runs all scheduled tasks", all("scheduled", "pending")],
  ["runs all tasks in retry", all("retry", "pending")],
  ["runs all archived tasks", all("archived", "pending")],
  ["archives all scheduled tasks", all("scheduled", "archived")],
  ["archives all tasks in retry", all("retry", "archived")],
  ["deletes all archived tasks", all("archived", "gone")],
  ["deletes all pending tasks", deleteAllPending],
  ["runs all tasks of the group", ofGroup("pending")],
  ["deletes all tasks of the group", ofGroup("gone")],
  ["removes the queue, by force", removeQueue],
];

export const inspectorKind: OperationKind<{ what: number; queue: number; id: number; group: number }> = {
  name: "go-inspector",
  weight: 4,
  args: fc.record({ what: fc.nat(moves.length - 1), queue: fc.nat(1), id: fc.nat(4), group: fc.nat(1) }),
  prepare({ what, queue: nthQueue, id: nthId, group: nthGroup }, history) {
    const [text, move] = moves[what]!;
    const at: At = { queue: queues[nthQueue]!, id: ids[nthId]!, group: groups[nthGroup]!, nowSec: secOf(history.keyspace.nowMs) };
    const commands = move(history.keyspace, at);
    if (commands.length === 0) return undefined;
    const whom = text.endsWith("the task") ? `${at.queue}/${at.id}` : `of ${at.queue}${text.endsWith("group") ? `/${at.group}` : ""}`;
    return { text: `Go's inspector ${text} ${whom}`, run: () => history.behindBack(commands) };
  },
};
