/**
 * What asynqjs asks of Redis, the answers it may get, and what its callers may be told.
 * @module
 */
import {
  acquireToken,
  aggregationCheck,
  type Broker,
  cancelProcessing,
  checkDurability,
  clearSchedulerEntries,
  clearSchedulerHistory,
  clearServerState,
  composeTask,
  correctedClock,
  deleteAggregated,
  deleteExpired,
  deleteQuarantined,
  dequeue,
  enqueue,
  estimateMemory,
  extendAggregationSet,
  extendLeases,
  forward,
  forwardDue,
  janitor,
  listCancelIntents,
  listExpiredLeases,
  listGroups,
  listKeys,
  listQuarantined,
  listQueues,
  listSchedulerEnqueueEvents,
  listSchedulerEntries,
  pauseQueue,
  readAggregationSet,
  readHandedBack,
  readQueueStats,
  reclaimStaleAggregationSets,
  recordSchedulerEnqueueEvent,
  recover,
  releaseQuarantined,
  releaseToken,
  repair,
  repairKeys,
  repairQueue,
  replaceAggregationSet,
  setMembersAside,
  settle,
  settleAndDequeue,
  Task,
  unpauseQueue,
  writeLog,
  writeResult,
  writeSchedulerEntries,
  writeServerState,
} from "@asynqjs/core";
import { AsynqError } from "@asynqjs/core/errors";
import { manualClock, seededRandom } from "@asynqjs/core/testing";
import { encodeTaskMessage } from "@asynqjs/core/wire";
import { bool, bytes, count, either, finite, list, maybe, nothing, number, one, record, type Shape, text, time, whole } from "./shapes.ts";

export interface Operation {
  readonly name: string;
  readonly call: (broker: Broker) => Promise<unknown>;
  /** Answers that Redis may give, one for each command in turn; text is bytes. */
  readonly answers: readonly (readonly unknown[])[];
  readonly told: Shape;
}

const error: Shape = (value) => (value instanceof AsynqError ? undefined : "is no error of asynqjs");
const verdict = (...words: readonly string[]): Shape => either(record({ verdict: one(...words) }), record({ error }));
const outcome = (shape: Shape): Shape => either(record({ value: shape, beforeError: maybe(error) }), record({ error }));
const fetched = record({
  tasks: list(
    record({
      queue: one("q", "r"),
      id: text,
      msg: bytes,
      token: count,
      leaseUntilSec: count,
      suspect: bool,
      waitedMs: maybe(count),
    }),
  ),
  dangling: count,
  putOff: count,
  brokenQueues: list(one("q", "r")),
});
const tick = (...counts: readonly string[]): Shape =>
  record({
    ...Object.fromEntries(counts.map((name) => [name, count])),
    more: bool,
    nextSec: maybe(count),
    errors: list(record({ queue: text, error: (value) => (value instanceof Error ? undefined : "is no error") })),
  });

const expiredCounts = { expired: count, completedTrimmed: count, trimmed: count, dangling: count };
const set = { queue: "q", group: "g", setId: "s" };
const held = { queue: "q", id: "a", token: 5 };
const now = manualClock(Date.UTC(2040, 0, 2, 3, 4, 5));
const message = { type: "t", id: "a", queue: "q", retry: 3, retried: 1 };
const msg = Buffer.from(encodeTaskMessage(message).bytes).toString("latin1");
const random = seededRandom(1);
const tasks = ["a", "b"].map((taskId) => composeTask(new Task("t"), { taskId, queue: "q" }, { clock: now, random }));
const server = { host: "h", pid: 1, serverId: "s" };
const none = new Uint8Array();
const policy = { gracePeriodSec: 10, maxDelaySec: 60, maxSize: 5 };
const stats = [...Array.from({ length: 8 }, (_, i) => i), "5", "1", "50", "10", 1, 2, 3, "1700000000000000000"];

export const operations: readonly Operation[] = [
  {
    name: "enqueue",
    call: (broker) => enqueue(broker, tasks),
    answers: [
      [1, "ee"],
      [0, "cd"],
      [1, { error: "NOSCRIPT No matching script" }, "ec"],
    ],
    told: list(verdict("enqueued", "task-id-conflict", "duplicate-task"), 2),
  },
  {
    name: "dequeue",
    call: (broker) => dequeue(broker, ["q", "r"], 3),
    answers: [[["0,0,0;1,1;5,x", "a", msg, "b", msg]], [["2,1,1;x,1;-7", "a", msg]], [["0,0,0;1,x;", "a", msg]], [["0,0,0;0,0;"]]],
    told: fetched,
  },
  {
    name: "settle",
    call: (broker) =>
      settle(broker, [
        { ...held, fence: { token: 5 }, to: "done" },
        { ...held, id: "b", fence: { token: 5 }, to: "requeued" },
      ]),
    answers: [["ss,0"], ["ld,7"]],
    told: record({ results: list(verdict("settled", "lease-lost", "dangling"), 2), trimmed: count }),
  },
  {
    name: "settleAndDequeue",
    call: (broker) => settleAndDequeue(broker, [{ ...held, fence: { token: 5 }, to: "done" }], { queues: ["q"], limit: 3, suspect: true }),
    answers: [[["s,0;0,0,0;2;5,", "a", msg, "b", msg]], [["l,7;2,1,1;1;", "a", msg]], [["d,0;0,0,0;x;"]], [{ error: "OOM no room" }]],
    told: record({
      settled: record({ results: list(verdict("settled", "lease-lost", "dangling"), 1), trimmed: count }),
      dequeued: either(fetched, error),
    }),
  },
  {
    name: "extendLeases",
    call: (broker) => extendLeases(broker, [held, { ...held, id: "b" }], 2_000_000_000),
    answers: [["ee"], ["le"]],
    told: list(verdict("extended", "lease-lost"), 2),
  },
  {
    name: "forwardDue",
    call: (broker) =>
      forwardDue(broker, [
        { queue: "q", from: "scheduled" },
        { queue: "q", from: "retry" },
      ]),
    answers: [["100,99,1,0,1700000000", "0,0,0,0,1700000000"]],
    told: list(outcome(record({ forwarded: count, dangling: count, quarantined: count, more: bool, nextSec: maybe(count) })), 2),
  },
  {
    name: "aggregationCheck",
    call: (broker) => aggregationCheck(broker, "q", ["g", "h"], policy),
    answers: [["sc"], ["dw"], ["eb"]],
    told: list(
      record({
        group: one("g", "h"),
        verdict: one("set", "cut", "due", "wait", "empty", "broken"),
        set: maybe(record({ queue: text, group: text, setId: text })),
      }),
      2,
    ),
  },
  {
    name: "deleteAggregated",
    call: (broker) => deleteAggregated(broker, ["q", "r"]),
    answers: [["7,1", "0,0"]],
    told: list(outcome(record({ deleted: count, more: bool })), 2),
  },
  {
    name: "deleteExpired",
    call: (broker) => deleteExpired(broker, ["q"]),
    answers: [["1,2,3,4,1,0"], ["0,0,0,0,0,1700000000"]],
    told: list(outcome(record({ ...expiredCounts, more: bool, nextSec: maybe(count) })), 1),
  },
  { name: "estimateMemory", call: (broker) => estimateMemory(broker, ["q"]), answers: [[12_345]], told: list(outcome(count), 1) },
  {
    name: "extendAggregationSet",
    call: (broker) => extendAggregationSet(broker, set, 2_000_000_000),
    answers: [["e"], ["l"]],
    told: one("extended", "set-lost"),
  },
  {
    name: "releaseQuarantined",
    call: (broker) => releaseQuarantined(broker, "q", ["a", "b"]),
    answers: [["rn"], ["xd"]],
    told: list(one("released", "deleted", "not-quarantined", "dangling"), 2),
  },
  {
    name: "deleteQuarantined",
    call: (broker) => deleteQuarantined(broker, "q", ["a"]),
    answers: [["d"]],
    told: list(one("released", "deleted", "not-quarantined", "dangling"), 1),
  },
  {
    name: "listExpiredLeases",
    call: (broker) => listExpiredLeases(broker, "q", 2_000_000_000),
    answers: [[[1, 2_000_000_001, "a", "1700000000.5", msg, "1@2", "b", "1700000001", null, null]], [[0, 0]]],
    told: record({
      leases: list(record({ id: text, score: text, msg: maybe(bytes), recovered: maybe(text) })),
      more: bool,
      nextSec: maybe(count),
    }),
  },
  {
    name: "listGroups",
    call: (broker) => listGroups(broker, "q"),
    answers: [[["0", ["g", "h"]]], [["17", []]]],
    told: record({ groups: list(text), cursor: maybe(text) }),
  },
  {
    name: "listKeys",
    call: (broker) => listKeys(broker, { cursor: "0", count: 10 }),
    answers: [[["0", ["asynq:{q}:t:a"]]], [["17", []]]],
    told: record({ cursor: text, keys: list(text) }),
  },
  {
    name: "listQuarantined",
    call: (broker) => listQuarantined(broker, "q"),
    answers: [[["a", "1700000000", "active", "why", 17, "b", "1700000001", null, null, 0]], [[]]],
    told: list(record({ id: text, quarantinedAt: time, from: maybe(text), why: maybe(text), msgBytes: count })),
  },
  { name: "listQueues", call: (broker) => listQueues(broker), answers: [[["r", "q"]], [[]]], told: list(text) },
  { name: "pauseQueue", call: (broker) => pauseQueue(broker, "q"), answers: [[1]], told: nothing },
  { name: "unpauseQueue", call: (broker) => unpauseQueue(broker, "q"), answers: [[0]], told: nothing },
  {
    name: "readAggregationSet",
    call: (broker) => readAggregationSet(broker, set),
    answers: [[[1, "a", msg, "b", null]], [[0]]],
    told: record({ members: list(record({ id: text, msg: maybe(bytes) })), more: bool }),
  },
  { name: "readHandedBack", call: (broker) => readHandedBack(broker, { queue: "q", id: "a" }), answers: [["3"], [null]], told: whole },
  {
    name: "readQueueStats",
    call: (broker) => readQueueStats(broker, ["q"]),
    answers: [[stats], [stats.with(-1, "")], [stats.with(14, -1), ["7", 3], ["0", 2]]],
    told: list(
      outcome(
        record({
          queue: text,
          ...Object.fromEntries(
            "size pending active scheduled retry archived completed aggregating groups quarantined leases processed failed processedTotal failedTotal"
              .split(" ")
              .map((name) => [name, count]),
          ),
          paused: bool,
          latencyMs: count,
        }),
      ),
      1,
    ),
  },
  {
    name: "reclaimStaleAggregationSets",
    call: (broker) => reclaimStaleAggregationSets(broker, "q"),
    answers: [["1,2,3,4,1,1700000000"]],
    told: record({ sets: count, reclaimed: count, dangling: count, putOff: count, more: bool, nextSec: maybe(count) }),
  },
  {
    name: "repairKeys",
    call: (broker) =>
      repairKeys(broker, "q", [
        { rest: "t:a", ripe: true },
        { rest: "g:g", ripe: false },
      ]),
    answers: [[".u"], ["pi"], ["dl"], ["a."]],
    told: list(one("sound", "unsound", "requeued", "reactivated", "removed", "unlocked", "indexed"), 2),
  },
  {
    name: "repairQueue",
    call: (broker) => repairQueue(broker, "q"),
    answers: [["1,2,3,4,5,1,1"], ["0,0,0,0,0,0,0"]],
    told: record({ leased: count, reactivated: count, dangling: count, strays: count, restated: count, inUse: bool, whole: bool }),
  },
  {
    name: "replaceAggregationSet",
    call: (broker) => replaceAggregationSet(broker, set, tasks[0]!),
    answers: [
      [1, "r,7,1"],
      [0, "l,0,0"],
      [0, "c,0,0"],
    ],
    told: outcome(record({ verdict: one("replaced", "set-lost", "task-id-conflict", "duplicate-task"), deleted: count, more: bool })),
  },
  { name: "writeSchedulerEntries", call: (broker) => writeSchedulerEntries(broker, "s", [none], 10), answers: [[1, 1]], told: nothing },
  { name: "clearSchedulerEntries", call: (broker) => clearSchedulerEntries(broker, "s"), answers: [[1, 1]], told: nothing },
  {
    name: "listSchedulerEntries",
    call: (broker) => listSchedulerEntries(broker),
    answers: [
      [["asynq:schedulers:{s}"], 0, ["e", "f"]],
      [["asynq:schedulers:{s}"], 2, 2, ["e"]],
      [[], 0],
    ],
    told: list(bytes),
  },
  {
    name: "recordSchedulerEnqueueEvent",
    call: (broker) => recordSchedulerEnqueueEvent(broker, "e", { atSec: 1, event: none }),
    answers: [[1]],
    told: nothing,
  },
  {
    name: "listSchedulerEnqueueEvents",
    call: (broker) => listSchedulerEnqueueEvents(broker, "e"),
    answers: [[["e", "f"]], [[]]],
    told: list(bytes),
  },
  { name: "clearSchedulerHistory", call: (broker) => clearSchedulerHistory(broker, ["e"]), answers: [[1]], told: nothing },
  {
    name: "acquireToken",
    call: (broker) => acquireToken(broker, { scope: "s", taskId: "a", maxTokens: 1, untilMs: 2e12 }),
    answers: [["a"], ["f"]],
    told: bool,
  },
  { name: "releaseToken", call: (broker) => releaseToken(broker, { scope: "s", taskId: "a" }), answers: [["r"], ["n"]], told: bool },
  {
    name: "setMembersAside",
    call: (broker) =>
      setMembersAside(broker, set, [
        { id: "a", why: "w" },
        { id: "b", why: undefined },
      ]),
    answers: [["1,1"]],
    told: record({ quarantined: count, dangling: count }),
  },
  {
    name: "writeLog",
    call: (broker) =>
      writeLog(broker, held, [
        { message: "m", atMs: 1 },
        { message: "n", atMs: 2 },
      ]),
    answers: [["w"], ["l"]],
    told: nothing,
  },
  { name: "writeResult", call: (broker) => writeResult(broker, held, none), answers: [["w"], ["l"]], told: count },
  {
    name: "writeServerState",
    call: (broker) => writeServerState(broker, { ...server, info: none, workers: [] }, { nowSec: 1, ttlSec: 2 }),
    answers: [[1, ["1700000000", "999999"]]],
    told: finite,
  },
  { name: "clearServerState", call: (broker) => clearServerState(broker, server), answers: [[1, 1, 2]], told: nothing },
  { name: "cancelProcessing", call: (broker) => cancelProcessing(broker, [{ id: "a" }]), answers: [[1, 0, 1]], told: nothing },
  {
    name: "listCancelIntents",
    call: (broker) => listCancelIntents(broker),
    answers: [[["\na", "1700000000", "q\na\n5", "1700000001"]], [[]]],
    told: list(record({ id: text, queue: maybe(text), token: maybe(number), canceledAtMs: finite })),
  },
  {
    name: "checkDurability fsync",
    call: ({ redis }) => checkDurability(redis, { tier: "fsync" }),
    answers: [["aof_enabled:1\r\n", ["appendfsync", "always"]]],
    told: nothing,
  },
  {
    name: "checkDurability replicated",
    call: ({ redis }) => checkDurability(redis, { tier: "replicated" }),
    answers: [["role:master\r\nconnected_slaves:1\r\n"]],
    told: nothing,
  },
  {
    name: "look",
    async call({ redis }) {
      const clock = correctedClock(now);
      await clock.look(redis);
      return clock.offsetMs;
    },
    answers: [[["1700000000", "500000"]]],
    told: finite,
  },
  {
    name: "forward",
    call: (broker) => forward(broker, { queues: ["q"] }),
    answers: [["100,99,1,0,1", "0,0,0,0,1700000000", "3,3,0,0,0"]],
    told: tick("forwarded", "dangling", "quarantined"),
  },
  {
    name: "recover",
    call: (broker) => recover(broker, { queues: ["q"] }),
    answers: [
      [[0, 0, "a", "1700000000.5", msg, "1@1"], "s,0", "0,0,0,0,0,0"],
      [[0, 2_300_000_000, "a", "1700000000", "garbage", null], "s,0", "0,0,0,0,0,1700000000"],
    ],
    told: (value) =>
      Object.entries(value as object)
        .map(([name, of]) => (typeof of === "number" ? count(of) && `.${name} is no count` : undefined))
        .find((wrong) => wrong !== undefined),
  },
  {
    name: "janitor",
    call: (broker) => janitor(broker, { queues: ["q"] }),
    answers: [["1,2,3,4,0,1700000000"]],
    told: tick("expired", "completedTrimmed", "trimmed", "dangling", "aggregatedDeleted"),
  },
  {
    name: "repair",
    call: (broker) => repair(broker, { queues: ["q"] }),
    answers: [["1,2,3,4,5,1,1", 1, null, ["0", ["asynq:{q}:t:a", "asynq:{q}:unique:l"]], ["1", null], ".u", 1, 1]],
    told: (value) =>
      Object.entries(value as object)
        .map(([name, of]) => (typeof of === "number" ? count(of) && `.${name} is no count` : undefined))
        .find((wrong) => wrong !== undefined),
  },
];
