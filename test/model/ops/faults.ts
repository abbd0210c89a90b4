/** What happens behind everybody's back: evictions, restored backups, Go's holes, keys that somebody wrote over. @module */
import fc from "fast-check";
import type { PlainCommand } from "../commands.ts";
import type { History } from "../history.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, layoutOf, queuesKey, secOf, taskAt } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { unknownField } from "../stored-message.ts";
import { groups, ids, queues } from "./new-task.ts";

/** What stands in a key that somebody wrote over. */
export const obstacle = "in the way";

interface FaultArgs {
  readonly what: number;
  readonly queue: number;
  readonly id: number;
  readonly nth: number;
}

type Make = (keyspace: Keyspace, args: { queue: string; id: string; task: string; nth: number }) => readonly PlainCommand[];

/** Containers of the kinds that scripts look at before they write. */
const typed = [
  "pending",
  "active",
  "lease",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "quarantine",
  "groups",
  "sets",
  "aggregated",
] as const;

/** Each by the words it is told by; none where there is nothing to do it to. */
const faults: readonly (readonly [text: string, make: Make])[] = [
  [
    "the lease of the task is evicted",
    (k, { queue, id }) => (k.score(layoutOf(queue).lease, id) === undefined ? [] : [["ZREM", layoutOf(queue).lease, id]]),
  ],
  [
    "the lease of the task is evicted",
    (k, { queue, id }) => (k.score(layoutOf(queue).lease, id) === undefined ? [] : [["ZREM", layoutOf(queue).lease, id]]),
  ],
  ["the hash of the task is evicted", (k, { task }) => (k.has(task) ? [["DEL", task]] : [])],
  ["the hash of the task is evicted", (k, { task }) => (k.has(task) ? [["DEL", task]] : [])],
  ["the message of the task is gone", (k, { task }) => (k.field(task, "msg") === undefined ? [] : [["HDEL", task, "msg"]])],
  [
    "the message of the task is garbage",
    (k, { task, nth }) => (k.field(task, "msg") === undefined ? [] : [["HSET", task, "msg", garbage(k.field(task, "msg")!, nth)]]),
  ],
  [
    "the message of the task is a newer Asynq's",
    (k, { task }) => {
      const msg = k.field(task, "msg");
      return msg === undefined || msg.endsWith(unknownField) ? [] : [["HSET", task, "msg", msg + unknownField]];
    },
  ],
  ["the task leaves its container", (k, { queue, id, task }) => leave(k, queue, id, task)],
  [
    "the task stands in pending too",
    (k, { queue, id }) => (k.fits("list", layoutOf(queue).pending) ? [["LPUSH", layoutOf(queue).pending, id]] : []),
  ],
  [
    "the task stands in active too",
    (k, { queue, id }) => (k.fits("list", layoutOf(queue).active) ? [["LPUSH", layoutOf(queue).active, id]] : []),
  ],
  ["the task stands in retry too", (k, { queue, id }) => standIn(k, layoutOf(queue).retry, id)],
  [
    "a result is written of the task, whether it is there or not",
    (k, { task }) => (k.fits("hash", task) ? [["HSET", task, "result", "late"]] : []),
  ],
  ["the queue's name is gone", (k, { queue }) => (k.members(queuesKey).has(queue) ? [["SREM", queuesKey, queue]] : [])],
  ["the groups' index is gone", (k, { queue }) => (k.has(layoutOf(queue).groups) ? [["DEL", layoutOf(queue).groups]] : [])],
  ["a container is of the wrong kind", (_, { queue, nth }) => [["SET", layoutOf(queue)[typed[nth % typed.length]!], obstacle]]],
  ["a container of the wrong kind is cleared away", (k, { queue }) => typed.flatMap((name) => clear(k, layoutOf(queue)[name]))],
  ["a container of the wrong kind is cleared away", (k, { queue }) => typed.flatMap((name) => clear(k, layoutOf(queue)[name]))],
  ["the task's key is of the wrong kind", (k, { task, nth }) => (nth % 2 === 0 ? clear(k, task) : [["SET", task, obstacle]])],
  [
    "a group's key is of the wrong kind",
    (k, { queue, nth }) => {
      const key = groupAt(queue, groups[nth % 2]!);
      return nth % 4 < 2 ? clear(k, key) : [["SET", key, obstacle]];
    },
  ],
  ["the task stands in completed too", (k, { queue, id }) => standIn(k, layoutOf(queue).completed, id)],
  ["the task stands in archived too", (k, { queue, id }) => standIn(k, layoutOf(queue).archived, id)],
  ["the task stands in a set too", (k, { queue, id }) => firstSet(k, queue).flatMap((set) => standIn(k, set, id))],
  ["a task of a group was run by itself and failed", (k, { queue, nth }) => failByItself(k, queue, groups[nth % 2]!)],
  ["a member of a set is elsewhere by now", (k, { queue, nth }) => firstSet(k, queue).flatMap((set) => leaveSet(k, queue, set, nth))],
  ["a member of a set is elsewhere by now", (k, { queue, nth }) => firstSet(k, queue).flatMap((set) => leaveSet(k, queue, set, nth))],
];

export const faultKind: OperationKind<FaultArgs> = {
  name: "fault",
  weight: 7,
  args: fc.record({ what: fc.nat(faults.length - 1), queue: fc.nat(1), id: fc.nat(4), nth: fc.nat(10) }),
  prepare({ what, queue: nthQueue, id: nthId, nth }, history) {
    const [text, make] = faults[what]!;
    const [queue, id] = [queues[nthQueue]!, ids[nthId]!];
    const commands = make(history.keyspace, { queue, id, task: taskAt(queue, id), nth });
    if (commands.length === 0) return undefined;
    return {
      text: `${text}: ${queue}/${id} (${commands.map((words) => words.join(" ")).join("; ")})`,
      run: () => history.behindBack(commands),
    };
  },
};

/** Any key goes, as an eviction may choose: a lock, a counter, a whole list, a call record. */
export const evictKind: OperationKind<{ nth: number }> = {
  name: "evict",
  weight: 2,
  args: fc.record({ nth: fc.nat(60) }),
  prepare({ nth }, history: History) {
    const keys = [...history.keyspace.keys(), ...history.records.keys()].sort();
    const key = keys[nth % keys.length];
    return key === undefined ? undefined : { text: `${key} is evicted`, run: () => history.evict(key) };
  },
};

function standIn(k: Keyspace, container: string, id: string): PlainCommand[] {
  return k.fits("zset", container) ? [["ZADD", container, 1, id]] : [];
}

/** The key of the set whose deadline is next, if any. */
function firstSet(k: Keyspace, queue: string): readonly string[] {
  return k
    .ranked(layoutOf(queue).sets)
    .slice(0, 1)
    .map(([set]) => set);
}

/** What Go's inspector, worker and retry make of a group's task: the group it came from is named by its hash alone. */
function failByItself(k: Keyspace, queue: string, group: string): PlainCommand[] {
  const { retry, groups: index } = layoutOf(queue);
  const key = groupAt(queue, group);
  const [id] = k.ranked(key)[0] ?? [];
  if (id === undefined || k.field(taskAt(queue, id), "group") !== group || !k.fits("zset", retry) || !k.fits("set", index)) return [];
  const leaves: PlainCommand[] = k.ranked(key).length === 1 ? [["SREM", index, group]] : [];
  return [["ZREM", key, id], ...leaves, ["ZADD", retry, secOf(k.nowMs), id], ["HSET", taskAt(queue, id), "state", "retry"]];
}

/** As where its hash was evicted and its id enqueued anew: the set still has it. */
export function leaveSet(k: Keyspace, queue: string, set: string, nth: number): PlainCommand[] {
  const { pending } = layoutOf(queue);
  const members = k.ranked(set);
  const [id] = members[nth % members.length] ?? [];
  const task = taskAt(queue, id ?? "");
  if (id === undefined || k.field(task, "state") !== "aggregating" || !k.fits("list", pending)) return [];
  return [
    ["HSET", task, "state", "pending"],
    ["LPUSH", pending, id],
  ];
}

function clear(k: Keyspace, key: string): PlainCommand[] {
  return k.text(key) === obstacle ? [["DEL", key]] : [];
}

function garbage(msg: string, nth: number): string {
  if (nth % 3 === 0) return "\u00ff\u00ff";
  if (nth % 3 === 1) return "";
  // A half that ended between two fields could be read.
  return `${msg.slice(0, Math.floor(msg.length / 2))}\u00ff`;
}

/** As Go leaves a task that was settled while its lease was missing: in no list at all. */
function leave(k: Keyspace, queue: string, id: string, task: string): PlainCommand[] {
  const keys = layoutOf(queue);
  const state = k.field(task, "state");
  if (state === "active" || state === "pending") return k.items(keys[state]).includes(id) ? [["LREM", keys[state], 0, id]] : [];
  if (state !== "scheduled" && state !== "retry" && state !== "archived" && state !== "completed") return [];
  return k.score(keys[state], id) === undefined ? [] : [["ZREM", keys[state], id]];
}
