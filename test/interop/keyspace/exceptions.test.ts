import { readFileSync } from "node:fs";
import { composeTask, Task } from "@asynqjs/core";
import { manualClock, seededRandom } from "@asynqjs/core/testing";
import { encodeTaskMessage, patchTaskMessage } from "@asynqjs/core/wire";
import { describe, expect, test } from "vitest";
import { findDifferences } from "./differences.ts";
import { directed } from "./directed/index.ts";
import { type Comparison, ExceptionUse } from "./exceptions.ts";
import { exceptions } from "./rows/index.ts";
import { noSlack } from "./slack.ts";
import type { Snapshot } from "./snapshot.ts";

const parts = { clock: manualClock(), random: seededRandom(1) };
const { message } = composeTask(new Task("t", "payload"), { taskId: "a" }, parts);
const { bytes: written } = encodeTaskMessage(message);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

const day = 24 * 3600;
const key = (name: string): string => `asynq:{q}:${name}`;
const msg = latin1(written);
const archived: Snapshot = {
  keys: {
    "asynq:queues": ["q"],
    [key("archived")]: { a: "1000" },
    [key("pending")]: ["b", "c"],
    [key("t:a")]: { msg, state: "archived", unique_key: key("unique:t:x") },
    [key("t:b")]: { msg, state: "pending", pending_since: "1000000000000000000" },
    [key("unique:t:x")]: "a",
    [key("processed:2026-01-02")]: "1",
  },
  expiresAtMs: { [key("unique:t:x")]: 5_000_000, [key("processed:2026-01-02")]: 9_000_000 },
};

const withKey = (name: string, value: Snapshot["keys"][string]): Snapshot => ({
  ...archived,
  keys: { ...archived.keys, [key(name)]: value },
});
const withMessage = (changed: Uint8Array): Snapshot =>
  withKey("t:b", { msg: latin1(changed), state: "pending", pending_since: "1000000000000000000" });
const expiring = (name: string, atMs: number): Snapshot => ({ ...archived, expiresAtMs: { ...archived.expiresAtMs, [key(name)]: atMs } });
const without = (...names: readonly string[]): Snapshot => ({
  ...archived,
  keys: Object.fromEntries(Object.entries(archived.keys).filter(([name]) => !names.map(key).includes(name))),
});

/** What is left of the differences, and which rows were used, when ours became `ours` and Go's `go`. */
function judge(go: Snapshot, ours: Snapshot, at: Partial<Comparison> = {}): { readonly left: number; readonly rows: readonly string[] } {
  const use = new ExceptionUse(exceptions);
  const before = { go: archived, ours: archived };
  const comparison: Comparison = { go, ours, before, move: { move: "pass", sec: 1 }, nowSec: 1_000, slackSec: 0, ...at };
  const { left } = use.takeOut(findDifferences(go, ours, noSlack()), comparison);
  return { left: left.length, rows: [...use.used.keys()] };
}

test("each row of docs/extensions.md has an exception of its name, and there is no other", () => {
  const page = readFileSync(new URL("../../../docs/extensions.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| (.+?) \|/gm)].map(([, first]) => first!).filter((first) => !/^(what|---)$/.test(first));
  expect(rows.length).toBeGreaterThan(20);
  expect(exceptions.map(({ row }) => row).sort()).toEqual(rows.sort());
});

test("each exception that can be used has a history that uses it", () => {
  expect(Object.keys(directed).sort()).toEqual(
    exceptions
      .filter(({ neverStored }) => neverStored === undefined)
      .map(({ row }) => row)
      .sort(),
  );
});

describe("what is the same", () => {
  test("differs in nothing", () => expect(judge(archived, archived)).toEqual({ left: 0, rows: [] }));

  test.each([
    ["a second of a score", withKey("archived", { a: "1001" })],
    ["a score that is no whole number", withKey("archived", { a: "1000.5" })],
    ["a member", withKey("archived", { a: "1000", b: "1000" })],
    ["an element of a list", withKey("pending", ["b"])],
    ["the order of a list", withKey("pending", ["c", "b"])],
    ["a state", withKey("t:b", { msg, state: "active", pending_since: "1000000000000000000" })],
    ["a millisecond of pending_since", withKey("t:b", { msg, state: "pending", pending_since: "1000000000001000000" })],
    ["no pending_since", withKey("t:b", { msg, state: "pending" })],
    ["a field of a message", withMessage(patchTaskMessage(written, { retried: 1 }).bytes)],
    ["a time in a message", withMessage(patchTaskMessage(written, { completedAtSec: 1 }).bytes)],
    [
      "a number in a message that is written longer than it has to be",
      withMessage(Uint8Array.of(...written.slice(0, -2), 0x88, 0x8e, 0x00)),
    ],
    ["a field of a message that nobody knows", withMessage(Uint8Array.of(...written, 0xa0, 0x01, 0x01))],
    ["a counter", withKey("processed:2026-01-02", "2")],
    ["an hour of a counter's time to live", expiring("processed:2026-01-02", 9_000_000 + 3_600_000)],
    ["a second of a lock's time to live", expiring("unique:t:x", 5_001_000)],
    ["a lock without a time to live", { ...archived, expiresAtMs: {} }],
    ["whose a lock is", withKey("unique:t:x", "b")],
    ["the kind of a key", withKey("archived", "text")],
    ["a key that nobody knows", withKey("other", "text")],
    ["a field of ours that has no row", withKey("t:b", { ...(archived.keys[key("t:b")] as object), "js:other": "1" })],
    ["a key of ours that has no row", withKey("js:other", "1")],
  ])("but for %s, is seen to differ", (_, changed) => {
    expect(judge(archived, changed).left).toBeGreaterThan(0);
    expect(judge(changed, archived).left).toBeGreaterThan(0);
  });
});

describe("an exception is no wider than its row", () => {
  const trimmed = without("archived", "t:a", "unique:t:x");

  test("a lock of a task that we trimmed may be left by Go, one whose task is still there may not", () => {
    const inGo = without("archived", "t:a");
    expect(judge(inGo, trimmed)).toEqual({ left: 0, rows: ["Trimmed locks"] });
    expect(judge(archived, without("unique:t:x"))).toEqual({ left: 1, rows: [] });
  });

  test("an archived task may be trimmed by our janitor when it is older than 90 days, and not before", () => {
    const move = { move: "work", whileHeld: "nothing", groupMaxSize: undefined } as const;
    expect(judge(archived, trimmed, { move, nowSec: 1_000 + 90 * day })).toEqual({ left: 0, rows: ["Limits", "Trimmed locks"] });
    expect(judge(archived, trimmed, { move, nowSec: 999 + 90 * day }).left).toBeGreaterThan(0);
  });

  test("a lease may have a token, and no other second", () => {
    const lease = (score: string): Snapshot => withKey("lease", { b: score });
    expect(judge(lease("1000"), lease(String(1_000 + 3 / 2 ** 20)))).toEqual({ left: 0, rows: ["Lease token"] });
    for (const score of ["1001", String(1_001 + 3 / 2 ** 20), "1000.3"]) expect(judge(lease("1000"), lease(score)).left).toBe(1);
  });

  test("a server may be missing from the index of tasks, and from no other", () => {
    const told = (keys: Snapshot["keys"]): Snapshot => ({ ...archived, keys: { ...archived.keys, ...keys } });
    const server = { "asynq:servers": { "asynq:servers:{h:1:s}": "1010" } };
    const workers = { "asynq:workers": { "asynq:workers:{h:1:s}": "1010" } };
    expect(judge(told({ ...server, ...workers }), told(server))).toEqual({ left: 0, rows: ["Servers that run nothing"] });
    expect(judge(told(server), told({ ...server, ...workers })).left).toBe(1);
    expect(judge(told({ ...server, ...workers }), told(workers)).left).toBe(1);
  });

  test("a call record is there for five minutes", () => {
    const record = key(`js:call:${"0".repeat(32)}:0`);
    const kept = (forMs: number): Snapshot => ({
      keys: { ...archived.keys, [record]: "1:e" },
      expiresAtMs: { ...archived.expiresAtMs, [record]: Date.now() + forMs },
    });
    expect(judge(archived, kept(300_000))).toEqual({ left: 0, rows: ["Call record"] });
    expect(judge(archived, kept(400_000)).left).toBe(1);
  });

  test("a key that is never there is refused wherever it is", () => {
    expect(() => judge(archived, withKey("js:absent", "1"))).toThrow("A key that is never there: asynq:{q}:js:absent is there");
  });
});
