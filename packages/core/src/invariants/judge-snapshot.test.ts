import { describe, expect, test } from "vitest";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import type { Finding } from "./finding.ts";
import { counterKey, judgeSnapshot } from "./judge-snapshot.ts";
import type { TaskHash } from "./judge-task.ts";
import type { QueueKey } from "./read-queue.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const uuid = "11111111-2222-3333-4444-555555555555";

const list = (rest: string, ...ids: string[]): QueueKey => ({ rest, kind: "list", values: ids.map(bytes) });
const set = (rest: string, ...members: string[]): QueueKey => ({ rest, kind: "set", values: members.map(bytes) });
const zset = (rest: string, scores: Readonly<Record<string, string>>): QueueKey => ({
  rest,
  kind: "zset",
  values: Object.entries(scores).flatMap(([member, score]) => [bytes(member), bytes(score)]),
});
const text = (rest: string, value: string): QueueKey => ({ rest, kind: "string", text: value });
const task = (
  id: string,
  state: string,
  more: Partial<TaskHash> & { readonly lock?: string; readonly retried?: number } = {},
): QueueKey => {
  const { lock, retried = 0, ...fields } = more;
  const { bytes: msg } = encodeTaskMessage({ type: "t", id, queue: "q", retry: 3, retried, uniqueKey: lock });
  const none = { group: undefined, uniqueKey: undefined, pendingSince: undefined, recovered: undefined, from: undefined, why: undefined };
  return { rest: `t:${id}`, kind: "hash", hash: { ...none, msg, state, ...fields } };
};

/** What is found in a queue of these keys: each as `I1 key id: what`, the queue's prefix left out; and what its state is. */
function judged(keys: readonly QueueKey[], { isRegistered = true, dueBeforeSec }: { isRegistered?: boolean; dueBeforeSec?: number } = {}) {
  const found: Finding[] = [];
  const state = judgeSnapshot("q", keys, isRegistered, (finding) => found.push(finding), dueBeforeSec);
  return {
    state,
    found: found.map(({ invariant, key, id = "", message }) => `${invariant} ${key.replace("asynq:{q}:", "")} ${id}: ${message}`),
  };
}

const sound = [
  list("pending", "a"),
  list("active", "b"),
  zset("lease", { b: "1700000000.5" }),
  zset("scheduled", { c: "10" }),
  zset("retry", { d: "10" }),
  zset("archived", { e: "10" }),
  zset("completed", { f: "10" }),
  zset("js:quarantine", { g: "10" }),
  zset("g:group", { h: "10" }),
  set("groups", "group"),
  zset(`g:group:${uuid}`, { i: "10" }),
  zset("aggregation_sets", { [`asynq:{q}:g:group:${uuid}`]: "99" }),
  zset(`g:other:${uuid}`, { j: "10" }),
  zset("js:aggregated", { [`asynq:{q}:g:other:${uuid}`]: "99" }),
  text("unique:x", "a"),
  text("unique:y", "h"),
  text("processed", "5"),
  text("failed", "1"),
  text("processed:2026-01-02", "5"),
  text("failed:2026-01-02", "1"),
  text("paused", "1700000000"),
  text("js:call:x:0", "1:a"),
  task("a", "pending", { uniqueKey: "asynq:{q}:unique:x", lock: "asynq:{q}:unique:x" }),
  task("b", "active"),
  task("c", "scheduled"),
  task("d", "retry"),
  task("e", "archived"),
  task("f", "completed"),
  task("g", "js:quarantine", { from: "pending", why: "x" }),
  task("h", "aggregating", { group: "group", lock: "asynq:{q}:unique:y" }),
  task("i", "aggregating", { group: "group" }),
  task("j", "aggregating", { group: "other" }),
];
const without = (...rests: string[]): QueueKey[] => sound.filter(({ rest }) => !rests.includes(rest));
const withOther = (...keys: QueueKey[]): QueueKey[] => [...without(...keys.map(({ rest }) => rest)), ...keys];

test("nothing is wrong with a queue that has a task in every state, in whatever order its keys are read", () => {
  for (const keys of [sound, sound.toReversed()]) {
    const { state, found } = judged(keys);
    expect(found).toEqual([]);
    expect(state).toEqual({
      queue: "q",
      paused: true,
      active: ["b"],
      counters: new Map(keys.flatMap((key) => (/^(processed|failed)/.test(key.rest) && "text" in key ? [[key.rest, key.text]] : []))),
      tasks: 10,
    });
  }
  expect(judged([]).state).toEqual({ queue: "q", paused: false, active: [], counters: new Map(), tasks: 0 });
  expect(judged([], { isRegistered: false }).found).toEqual([]);
});

describe("what is found", () => {
  test.each<[string, QueueKey[], string[]]>([
    ["a task in no container", without("pending"), ["I1 t:a a: is in no container, and says it is pending"]],
    [
      "a group whose first id is without a task",
      [...without("g:group", "t:h", "unique:y"), zset("g:group", { z: "10" })],
      ["I4 g:group z: its task is gone"],
    ],
    [
      "suspects that wait",
      [
        ...without("pending", "t:a", "unique:x"),
        list("pending", "a", "k"),
        task("a", "pending", { recovered: "1@0" }),
        task("k", "pending", { recovered: "1@0" }),
      ],
      [],
    ],
    [
      "a suspect whose message cannot be read",
      withOther(task("b", "active", { recovered: "1@0", msg: Uint8Array.of(10, 5) })),
      ["I3 t:b b: cannot decode the message: it ends inside a field"],
    ],
    ["an id without a task", without("t:c"), ["I4 scheduled c: its task is gone"]],
    ["a task that is no hash", withOther({ rest: "t:c", kind: "string", text: "x" }), ["I4 scheduled c: the key of its task is no hash"]],
    ["an active task without a lease", without("lease"), ["I5 t:b b: is active and has no lease"]],
    ["a lease of none", withOther(zset("lease", { b: "5.5", z: "5.5" })), ["I6 t:z z: has a lease and is not active"]],
    ["a task in two places", withOther(zset("retry", { d: "10", a: "10" })), ["I1 retry a: is in asynq:{q}:pending and asynq:{q}:retry"]],
    ["a task twice in a list", withOther(list("pending", "a", "a")), ["I1 pending a: is in asynq:{q}:pending and asynq:{q}:pending"]],
    ["a lock of a task that is gone", withOther(text("unique:y", "z")), ["I8 unique:y z: is held by a task that is gone"]],
    [
      "a lock of a task with another",
      withOther(text("unique:x", "h")),
      ["I8 unique:x h: is held by a task that has another lock, or none"],
    ],
    [
      "a lock that only the message of a task names, which is set aside",
      [...without("t:g"), task("g", "js:quarantine", { from: "aggregating", why: "x", lock: "asynq:{q}:unique:z" }), text("unique:z", "g")],
      [],
    ],
    ["a lock that is none", withOther(list("unique:x", "a")), ["I8 unique:x : is no string but a list"]],
    ["a group that is none", [...sound, list("g:none", "z")], ["I9 g:none : is no zset but a list"]],
    ["a counter that is none", withOther(list("failed:2026-01-02", "1")), ["I11 failed:2026-01-02 : is no string but a list"]],
    ["a container that is none", [...without("completed", "t:f"), list("completed", "f")], ["I1 completed : is no zset but a list"]],
    ["a group that no index names", without("groups"), ["I9 g:group : is a group that is not in the index"]],
    ["a set that no index names", without("aggregation_sets"), [`I9 g:group:${uuid} : is an aggregation set that is not in the index`]],
    [
      "an aggregated set that no index names",
      without("js:aggregated"),
      [`I9 g:other:${uuid} : is an aggregation set that is not in the index`],
    ],
    [
      "a group named as a set",
      [...without("js:aggregated", "t:j"), task("j", "aggregating", { group: `other:${uuid}` })],
      [`I9 g:other:${uuid} : is a group that is not in the index`],
    ],
    [
      "a task in another's group",
      withOther(task("h", "aggregating", { group: "other", lock: "asynq:{q}:unique:y" })),
      ["I2 g:group h: says it is aggregating of the group other"],
    ],
    ["more failures than runs", withOther(text("failed", "6")), ["I11 failed : is 6, and 5 were processed"]],
    [
      "suspects taken at once",
      [
        ...without("active", "lease", "t:b"),
        list("active", "b", "k"),
        zset("lease", { b: "5.5", k: "5.5" }),
        task("b", "active", { recovered: "1@0" }),
        task("k", "active", { recovered: "2@0" }),
      ],
      ["I15 active k: was taken with another suspect, b", "I15 active b: was taken with another suspect, k"],
    ],
    [
      "suspects no more, since they failed",
      [
        ...without("active", "lease", "t:b"),
        list("active", "b", "k"),
        zset("lease", { b: "5.5", k: "5.5" }),
        task("b", "active", { recovered: "1@0", retried: 1 }),
        task("k", "active"),
      ],
      [],
    ],
  ])("is %s", (_, keys, expected) => {
    expect(judged(keys).found).toEqual(expected);
  });

  test("is a queue that holds anything and cannot be seen", () => {
    const unseen = ["I10 asynq:queues : lacks a queue that holds tasks"];
    expect(judged(sound, { isRegistered: false }).found).toEqual(unseen);
    expect(judged([text("processed", "5")], { isRegistered: false }).found).toEqual([]);
  });

  test("is what should have been taken on", () => {
    expect(judged(sound, { dueBeforeSec: 11 }).found).toEqual(["I13 scheduled c: was due at 10", "I13 retry d: was due at 10"]);
    expect(judged(sound, { dueBeforeSec: 10 }).found).toEqual([]);
  });
});

test.each([
  ["processed", true],
  ["failed", true],
  ["processed:2026-01-02", true],
  ["failed:2026-01-02", true],
  ["xprocessed", false],
  ["processed:2026-01-02x", false],
  ["processed:26-01-02", false],
  ["processed:", false],
  ["failed:2026-1-02", false],
  ["failed:2026-01-2", false],
])("%s is a counter: %s", (rest, is) => {
  expect(counterKey.test(rest)).toBe(is);
});
