import { describe, expect, test } from "vitest";
import { encodeTaskMessage } from "../wire/encode-task-message.ts";
import type { Finding } from "./finding.ts";
import { crashes, type Home, judgeTask, type TaskFacts, type TaskHash } from "./judge-task.ts";

const message = { type: "t", id: "i", queue: "q", retry: 3, retried: 1 };
const encoded = (changes: object = {}): Uint8Array => encodeTaskMessage({ ...message, ...changes }).bytes;
const sound: TaskHash = {
  msg: encoded(),
  state: "pending",
  group: undefined,
  uniqueKey: undefined,
  pendingSince: "1700000000000000000",
  recovered: undefined,
  from: undefined,
  why: undefined,
};
const at = (state: string, more: Partial<Home> = {}): Home => ({ key: `asynq:{q}:${state}`, state, ...more });
const inGroup = (group: string): Home => ({ key: `asynq:{q}:g:${group}`, state: "aggregating", group, score: "5" });
const hash = (changes: Partial<TaskHash>): TaskHash => ({ ...sound, ...changes });
const active = { hash: hash({ state: "active" }), homes: [at("active")] };

/** What is found of a pending task that was changed so: each as `I1 key what`, the key in short. */
function findings(facts: Partial<TaskFacts>, dueBeforeSec?: number): string[] {
  const found: Finding[] = [];
  judgeTask(
    "q",
    { id: "i", hash: sound, homes: [at("pending")], lease: undefined, ...facts },
    (finding) => found.push(finding),
    dueBeforeSec,
  );
  for (const { queue, id } of found) expect([queue, id]).toEqual(["q", "i"]);
  return found.map(({ invariant, key, message }) => `${invariant} ${key.replace("asynq:{q}:", "")} ${message}`);
}

test.each<[string, Partial<TaskFacts>]>([
  ["pending", {}],
  ["active, with a lease", { ...active, lease: "1700000000.5" }],
  ["active, with a lease of Go's", { ...active, lease: "1700000000" }],
  ["to go to a group when it is due", { hash: hash({ state: "scheduled", group: "g" }), homes: [at("scheduled", { score: "5" })] }],
  ["in a group", { hash: hash({ state: "aggregating", group: "g" }), homes: [inGroup("g")] }],
  [
    "set aside, and says where from and why",
    { hash: hash({ state: "js:quarantine", from: "pending", why: "x", msg: undefined }), homes: [at("js:quarantine")] },
  ],
  ["one that spent its retries", { hash: hash({ msg: encoded({ retried: 3 }) }) }],
  ["one that never failed", { hash: hash({ msg: encoded({ retried: 0 }) }) }],
  ["one that lost two workers", { hash: hash({ recovered: "2@1" }) }],
  ["one that lost three before it failed again", { hash: hash({ recovered: "3@0" }) }],
  ["one with a lock", { hash: hash({ uniqueKey: "lock", msg: encoded({ uniqueKey: "lock" }) }) }],
  ["one whose lock is given back", { hash: hash({ msg: encoded({ uniqueKey: "lock" }) }) }],
  ["one that does not say since when it is pending", { hash: hash({ pendingSince: undefined }) }],
])("nothing is wrong with a task that is %s", (_, facts) => {
  expect(findings(facts)).toEqual([]);
});

test.each<[Partial<TaskFacts>, string[]]>([
  [{ lease: "1700000000.5" }, ["I6 t:i has a lease and is not active"]],
  [active, ["I5 t:i is active and has no lease"]],
  [{ ...active, lease: "1700000000.3" }, ["I7 t:i its lease 1700000000.3 carries no token"]],
  [{ hash: hash({ state: "retry" }), homes: [at("retry", { score: "5.5" })] }, ["I3 retry its score 5.5 is no whole second"]],
  [{ hash: undefined }, ["I4 pending its task is gone"]],
  [{ hash: undefined, homes: [at("pending"), at("active")], lease: "5" }, ["I4 pending its task is gone", "I4 active its task is gone"]],
  [{ hash: undefined, homes: [] }, []],
  [{ hash: "wrong kind" }, ["I4 pending the key of its task is no hash"]],
  [{ hash: "wrong kind", homes: [] }, ["I1 t:i is no hash, and in no container"]],
  [{ homes: [] }, ["I1 t:i is in no container, and says it is pending"]],
  [{ homes: [], hash: hash({ state: undefined }) }, ["I1 t:i is in no container, and says it is nothing"]],
  [{ homes: [at("retry", { score: "5" }), at("pending")] }, ["I1 retry is in asynq:{q}:pending and asynq:{q}:retry"]],
  [{ homes: [at("pending"), at("retry", { score: "5" })] }, ["I1 retry is in asynq:{q}:pending and asynq:{q}:retry"]],
  [
    { hash: hash({ state: "retry" }), homes: [at("retry", { score: "5" }), at("pending")] },
    ["I1 pending is in asynq:{q}:pending and asynq:{q}:retry"],
  ],
  [{ homes: [at("pending"), at("pending")] }, ["I1 pending is in asynq:{q}:pending and asynq:{q}:pending"]],
  [{ homes: [at("completed", { score: "5" })] }, ["I2 completed says it is pending"]],
  [{ homes: [at("pending")], hash: hash({ state: undefined }) }, ["I2 pending says it is nothing"]],
  [{ hash: hash({ state: "aggregating", group: "h" }), homes: [inGroup("g")] }, ["I2 g:g says it is aggregating of the group h"]],
  [{ hash: hash({ state: "pending", group: "g" }), homes: [inGroup("g")] }, ["I2 g:g says it is pending of the group g"]],
  [{ hash: hash({ pendingSince: "soon" }) }, ["I3 t:i its pending_since is no number of nanoseconds"]],
  [{ hash: hash({ pendingSince: "12345678901234567890" }) }, ["I3 t:i its pending_since is no number of nanoseconds"]],
  [{ hash: hash({ pendingSince: "-1" }) }, ["I3 t:i its pending_since is no number of nanoseconds"]],
  [{ hash: hash({ pendingSince: "1.5" }) }, ["I3 t:i its pending_since is no number of nanoseconds"]],
  [
    { hash: hash({ state: "js:quarantine", from: "pending" }), homes: [at("js:quarantine")] },
    ["I3 t:i is set aside, and does not say where from and why"],
  ],
  [
    { hash: hash({ state: "js:quarantine", why: "x" }), homes: [at("js:quarantine")] },
    ["I3 t:i is set aside, and does not say where from and why"],
  ],
  [{ hash: hash({ msg: undefined }) }, ["I3 t:i has no message"]],
  [{ hash: hash({ msg: Uint8Array.of(10, 5) }) }, ["I3 t:i cannot decode the message: it ends inside a field"]],
  [{ hash: hash({ msg: encoded({ id: "j" }) }) }, ["I3 t:i its message is another task's"]],
  [{ hash: hash({ msg: encoded({ queue: "r" }) }) }, ["I3 t:i its message is another task's"]],
  [{ hash: hash({ msg: encoded({ retried: 4 }) }) }, ["I15 t:i was retried 4 times of 3"]],
  [{ hash: hash({ msg: encoded({ retried: -1 }) }) }, ["I15 t:i was retried -1 times of 3"]],
  [{ hash: hash({ recovered: "3@1" }) }, ["I15 t:i its crash count is 3@1"]],
  [{ hash: hash({ recovered: "many" }) }, ["I15 t:i its crash count is many"]],
  [{ hash: hash({ uniqueKey: "lock" }) }, ["I8 t:i its lock is not the one its message names"]],
])("%j breaks %j", (facts, expected) => {
  expect(findings(facts)).toEqual(expected);
});

describe("what is due", () => {
  const in10 = (state: string): Partial<TaskFacts> => ({ hash: hash({ state }), homes: [at(state, { score: "10" })] });

  test.each(["scheduled", "retry"])("should have been taken on, in %s", (state) => {
    expect(findings(in10(state), 11)).toEqual([`I13 ${state} was due at 10`]);
    expect(findings(in10(state), 10)).toEqual([]);
    expect(findings(in10(state))).toEqual([]);
  });

  test("is not what is over", () => {
    expect(findings(in10("completed"), 11)).toEqual([]);
  });

  test("is a lease that ended", () => {
    expect(findings({ ...active, lease: "10.5" }, 11)).toEqual(["I13 t:i its lease ended at 10.5, and nobody took it back"]);
    expect(findings({ ...active, lease: "10.5" }, 10.5)).toEqual([]);
    expect(findings({ ...active, lease: "-10" })).toEqual([]);
  });
});

test("answers the message of a task that has one", () => {
  const judge = (changes: Partial<TaskHash>) =>
    judgeTask("q", { id: "i", hash: hash(changes), homes: [at("pending")], lease: undefined }, () => {});
  expect(judge({})).toMatchObject(message);
  expect(judge({ state: "js:quarantine" })).toBeUndefined();
  expect(judge({ msg: Uint8Array.of(10, 5) })).toBeUndefined();
});

test.each([
  [undefined, 0, 0],
  ["2@0", 0, 2],
  ["12@34", 34, 12],
  ["2@0", 1, 0],
  ["0@0", 0, Number.NaN],
  ["2@", 0, Number.NaN],
  ["x2@0", 0, Number.NaN],
  ["2@0x", 0, Number.NaN],
])("a crash count of %j tells of a task retried %i times that it lost %d workers", (recovered, retried, lost) => {
  expect(crashes(recovered, retried)).toBe(lost);
});
