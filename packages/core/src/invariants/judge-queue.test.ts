import { describe, expect, test } from "vitest";
import type { Finding, Report } from "./finding.ts";
import { GroupHomes } from "./group-homes.ts";
import { judgeCounters, judgeGroupKey, judgeKind, judgeLock, judgeRegistered, judgeSuspects } from "./judge-queue.ts";

const uuid = "11111111-2222-3333-4444-555555555555";
const hash = { msg: Uint8Array.of(1), uniqueKey: "lock" } as const;
const noHash = { state: undefined, group: undefined, pendingSince: undefined, recovered: undefined, from: undefined, why: undefined };

/** What a judge reports: each as `I1 key id: what`. */
function reported(judge: (report: Report) => void): string[] {
  const found: Finding[] = [];
  judge((finding) => found.push(finding));
  for (const { queue } of found) expect(queue).toBe("q");
  return found.map(({ invariant, key, id = "", message }) => `${invariant} ${key} ${id}: ${message}`);
}

test.each([
  ["unique:t:", "string", "I8"],
  ["lease", "zset", "I5"],
  ["lease2", "zset", "I1"],
  ["g:a", "zset", "I9"],
  ["groups", "set", "I9"],
  ["aggregation_sets", "zset", "I9"],
  ["js:aggregated", "zset", "I9"],
  ["groups2", "set", "I1"],
  ["aggregation_sets2", "set", "I1"],
  ["js:aggregated2", "set", "I1"],
  ["agg:", "set", "I1"],
  ["processed:2026-01-02", "string", "I11"],
  ["failed", "string", "I11"],
  ["unprocessed", "string", "I1"],
  ["pending", "list", "I1"],
])("%s is to be a %s, which %s says", (rest, kind, invariant) => {
  expect(reported((report) => expect(judgeKind("q", rest, kind, kind, report)).toBe(true))).toEqual([]);
  expect(reported((report) => expect(judgeKind("q", rest, "hash", kind, report)).toBe(false))).toEqual([
    `${invariant} asynq:{q}:${rest} : is no ${kind} but a hash`,
  ]);
});

const gone = ["I8 lock i: is held by a task that is gone"];
const other = ["I8 lock i: is held by a task that has another lock, or none"];
test.each([
  ["says so", { ...noHash, ...hash }, undefined, []],
  ["says so in its message alone", { ...noHash, ...hash, uniqueKey: undefined }, "lock", []],
  ["is gone", undefined, undefined, gone],
  ["is no hash", "wrong kind" as const, "lock", gone],
  ["has no message", { ...noHash, msg: undefined, uniqueKey: "lock" }, "lock", gone],
  ["has another lock", { ...noHash, ...hash, uniqueKey: "other" }, "lock", other],
  ["has none", { ...noHash, ...hash, uniqueKey: undefined }, undefined, other],
])("a lock is held by a task that has it, where that %s", (_, holder, messageLock, expected) => {
  expect(reported((report) => judgeLock("q", "lock", { id: "i", hash: holder, messageLock }, report))).toEqual(expected);
});

test("a queue that holds tasks is to be seen", () => {
  const judged = (isRegistered: boolean, holdsTasks: boolean) =>
    reported((report) => judgeRegistered("q", isRegistered, holdsTasks, report));
  expect(judged(false, true)).toEqual(["I10 asynq:queues : lacks a queue that holds tasks"]);
  expect([judged(true, true), judged(false, false), judged(true, false)]).toEqual([[], [], []]);
});

describe("counters", () => {
  const judged = (counters: Record<string, string>) => reported((report) => judgeCounters("q", new Map(Object.entries(counters)), report));

  test("add up", () => {
    expect(judged({ processed: "5", failed: "5", "processed:2026-01-02": "5", "failed:2026-01-02": "5" })).toEqual([]);
    expect(judged({ processed: "12", failed: "10" })).toEqual([]);
    expect(judged({})).toEqual([]);
  });

  test.each<[Record<string, string>, string[]]>([
    [{ processed: "many" }, ["processed : is no count"]],
    [{ processed: "1x" }, ["processed : is no count"]],
    [{ processed: "x1" }, ["processed : is no count"]],
    [{ processed: "-1" }, ["processed : is no count"]],
    [{ processed: "3", "processed:2026-01-02": "4" }, ["processed:2026-01-02 : is 4, and all days are 3"]],
    [{ "processed:2026-01-02": "4" }, ["processed:2026-01-02 : is 4, and all days are 0"]],
    [{ processed: "3", failed: "4" }, ["failed : is 4, and 3 were processed"]],
    [{ failed: "4" }, ["failed : is 4, and 0 were processed"]],
    [
      { processed: "9", failed: "9", "processed:2026-01-02": "1", "failed:2026-01-02": "2" },
      ["failed:2026-01-02 : is 2, and 1 were processed"],
    ],
  ])("that do not: %j", (counters, expected) => {
    expect(judged(counters)).toEqual(expected.map((one) => `I11 asynq:{q}:${one}`));
  });
});

test("suspects are taken one by one, but by Go", () => {
  const judged = (...leases: string[]) =>
    reported((report) =>
      judgeSuspects(
        "q",
        leases.map((lease, i) => ({ id: `s${i}`, lease })),
        report,
      ),
    );

  expect(judged("100.5", "100.25", "7", "7")).toEqual([]);
  expect(judged("100.5", "100.25", "200.5")).toEqual([
    "I15 asynq:{q}:active s2: was taken with another suspect, s0",
    "I15 asynq:{q}:active s0: was taken with another suspect, s2",
  ]);
});

describe("a key of a group", () => {
  const at = { inGroups: false, inSets: false, memberGroup: undefined };
  const noGroup = (name: string) => [`I9 asynq:{q}:g:${name} : is a group that is not in the index`];
  const noSet = (name: string) => [`I9 asynq:{q}:g:${name} : is an aggregation set that is not in the index`];

  test.each([
    ["a group in the index", "g", { ...at, inGroups: true }, "g", []],
    ["a set in the index", `g:${uuid}`, { ...at, inSets: true }, "g", []],
    ["a set of a group with colons", `a:b:${uuid}`, { ...at, inSets: true }, "a:b", []],
    ["a set of a group with a line's end", `a\nb:${uuid}`, { ...at, inSets: true }, "a\nb", []],
    ["a set in the index that has no colon", "g", { ...at, inSets: true, inGroups: true }, "g", []],
    ["a group in the index that is named as a set", `g:${uuid}`, { ...at, inGroups: true }, `g:${uuid}`, []],
    ["a group that no index names", "g", at, "g", noGroup("g")],
    ["a set without a colon that no group index names", "g", { ...at, inSets: true }, "g", noGroup("g")],
    ["a group with a colon that no index names", "a:b", at, "a:b", noGroup("a:b")],
    ["a group with more behind a UUID", `g:${uuid}x`, at, `g:${uuid}x`, noGroup(`g:${uuid}x`)],
    ["a group with less than a UUID", `g:${uuid.slice(1)}`, at, `g:${uuid.slice(1)}`, noGroup(`g:${uuid.slice(1)}`)],
    ["a group named as a set, as its member says", `g:${uuid}`, { ...at, memberGroup: `g:${uuid}` }, `g:${uuid}`, noGroup(`g:${uuid}`)],
    ["a set that no index names", `g:${uuid}`, at, "g", noSet(`g:${uuid}`)],
    ["a set of that group, as its member says", `g:${uuid}`, { ...at, memberGroup: "g" }, "g", noSet(`g:${uuid}`)],
  ])("is %s", (_, name, facts, group, expected) => {
    expect(reported((report) => expect(judgeGroupKey("q", { name, ...facts }, report)).toBe(group))).toEqual(expected);
  });
});

test("a task that is not where it says may stand wherever it was met, and where its group was that no index names", () => {
  const homes = new GroupHomes();
  const home = (group: string) => ({ key: `asynq:{q}:g:${group}`, state: "aggregating", group });
  const archived = { key: "asynq:{q}:archived", state: "archived", score: "1" };
  homes.addHomeless("a", "g", [home("x"), archived]);
  homes.addHomeless("a", "g", [home("y")]);
  homes.addHomeless("b", "h", []);
  homes.addHomeless("c", "none", [archived]);
  homes.addHomeless("d", undefined, []);
  homes.addUnindexed(home("h"));
  homes.addUnindexed(home("g"));

  expect(homes.found()).toEqual([
    { id: "a", beside: [home("x"), home("y"), home("g")] },
    { id: "b", beside: [home("h")] },
    { id: "c", beside: [] },
    { id: "d", beside: [] },
  ]);
  expect(new GroupHomes().found()).toEqual([]);
});
