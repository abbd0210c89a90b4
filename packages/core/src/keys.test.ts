import { expect, test } from "vitest";
import * as keys from "./keys.ts";

test("keys are Asynq's, and ours below js:, each with the queue as its hash tag", () => {
  const server = { host: "h", pid: 1, serverId: "s" };
  expect({
    prefix: keys.queuePrefix("q"),
    task: keys.taskKey("q", "id"),
    pending: keys.pendingKey("q"),
    active: keys.activeKey("q"),
    lease: keys.leaseKey("q"),
    scheduled: keys.scheduledKey("q"),
    retry: keys.retryKey("q"),
    archived: keys.archivedKey("q"),
    completed: keys.completedKey("q"),
    paused: keys.pausedKey("q"),
    groups: keys.groupsKey("q"),
    group: keys.groupKey("q", "g"),
    aggregationSet: keys.aggregationSetKey("q", "g", "set"),
    aggregationSets: keys.aggregationSetsKey("q"),
    processedTotal: keys.processedTotalKey("q"),
    failedTotal: keys.failedTotalKey("q"),
    processed: keys.processedKey("q", "2026-01-02"),
    failed: keys.failedKey("q", "2026-01-02"),
    quarantine: keys.quarantineKey("q"),
    repairCursor: keys.repairCursorKey("q"),
    aggregated: keys.aggregatedKey("q"),
    call: keys.callKey("q", "c", 7),
    absent: keys.absentKey("q"),
    server: keys.serverKey(server),
    workers: keys.workersKey(server),
    semaphore: keys.semaphoreKey("scope"),
    scheduler: keys.schedulerKey("h:1:s"),
    schedulerHistory: keys.schedulerHistoryKey("entry"),
  }).toEqual({
    prefix: "asynq:{q}:",
    task: "asynq:{q}:t:id",
    pending: "asynq:{q}:pending",
    active: "asynq:{q}:active",
    lease: "asynq:{q}:lease",
    scheduled: "asynq:{q}:scheduled",
    retry: "asynq:{q}:retry",
    archived: "asynq:{q}:archived",
    completed: "asynq:{q}:completed",
    paused: "asynq:{q}:paused",
    groups: "asynq:{q}:groups",
    group: "asynq:{q}:g:g",
    aggregationSet: "asynq:{q}:g:g:set",
    aggregationSets: "asynq:{q}:aggregation_sets",
    processedTotal: "asynq:{q}:processed",
    failedTotal: "asynq:{q}:failed",
    processed: "asynq:{q}:processed:2026-01-02",
    failed: "asynq:{q}:failed:2026-01-02",
    quarantine: "asynq:{q}:js:quarantine",
    repairCursor: "asynq:{q}:js:repair",
    aggregated: "asynq:{q}:js:aggregated",
    call: "asynq:{q}:js:call:c:7",
    absent: "asynq:{q}:js:absent",
    server: "asynq:servers:{h:1:s}",
    workers: "asynq:workers:{h:1:s}",
    semaphore: "asynq:sema:scope",
    scheduler: "asynq:schedulers:{h:1:s}",
    schedulerHistory: "asynq:scheduler_history:entry",
  });
});

test("keys of no queue are Asynq's, and ours below asynq:js:", () => {
  expect([keys.allQueues, keys.allServers, keys.allWorkers, keys.allSchedulers, keys.cancelChannel]).toEqual([
    "asynq:queues",
    "asynq:servers",
    "asynq:workers",
    "asynq:schedulers",
    "asynq:cancel",
  ]);
  expect([keys.narrowCancelChannel, keys.cancelIntentsKey, keys.sweepCursorKey, keys.sweepFoundKey]).toEqual([
    "asynq:js:cancel",
    "asynq:js:cancel",
    "asynq:js:sweep",
    "asynq:js:sweep:found",
  ]);
});

test("a lock's key ends in the MD5 of the payload, and in nothing without one", () => {
  expect(keys.uniqueKey("q", "t", undefined)).toBe("asynq:{q}:unique:t:");
  expect(keys.uniqueKey("q", "t", new Uint8Array())).toBe("asynq:{q}:unique:t:d41d8cd98f00b204e9800998ecf8427e");
  expect(keys.uniqueKey("q", "t", new TextEncoder().encode("a"))).toBe("asynq:{q}:unique:t:0cc175b9c0f1b6a831c399e269772661");
});

test("a key is split after the name of its queue, which may hold braces and line breaks", () => {
  expect(keys.splitKey("asynq:{q}:t:a")).toEqual({ queue: "q", rest: "t:a" });
  expect(keys.splitKey("asynq:{}:")).toEqual({ queue: "", rest: "" });
  expect(keys.splitKey("asynq:{a{b}c\n}:g:x}:y\nz")).toEqual({ queue: "a{b}c\n", rest: "g:x}:y\nz" });
  for (const key of ["asynq:queues", "asynq:{q}", "asynq:{q}t", "asynq:servers:{h}:", "xasynq:{q}:t"])
    expect(keys.splitKey(key)).toBeUndefined();
});
