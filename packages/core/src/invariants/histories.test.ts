import { describe, expect, test } from "vitest";
import { fenced, type LeaseEvent } from "./fenced.ts";
import { monotone } from "./monotone.ts";
import type { QueueState } from "./queue-state.ts";
import { type HistoryEvent, totalQueue, totalQueueFindings } from "./total-queue.ts";
import { untouchedWhilePaused } from "./untouched-while-paused.ts";
import { flat, withinBounds } from "./within-bounds.ts";

const enqueue = (id: string, outcome: "ok" | "unknown" | "refused" = "ok"): HistoryEvent => ({ type: "enqueue", id, outcome });
const start = (id: string, run: string, atMs = 0): HistoryEvent => ({ type: "start", id, run, atMs });
const end = (run: string, atMs: number): HistoryEvent => ({ type: "end", run, atMs });
const over = (id: string, run: string): HistoryEvent => ({ type: "settle", id, run, over: true });

describe("totalQueue", () => {
  test("takes a history in which every task was done once for valid", () => {
    const history = ["a", "b"].flatMap((id) => [enqueue(id), start(id, `${id}1`, 1), end(`${id}1`, 2), over(id, `${id}1`)]);

    const report = totalQueue(history);

    expect(report).toEqual({
      valid: true,
      lost: [],
      unexpected: [],
      stuck: [],
      doubleAcks: [],
      recovered: [],
      duplicated: 0,
      overlaps: [],
      acknowledged: 2,
      runs: 2,
    });
    expect(totalQueueFindings("default", report)).toEqual([]);
  });

  test("I12: what was acknowledged and is neither over nor left is lost, whether it ran or not", () => {
    const report = totalQueue([enqueue("never-ran"), enqueue("ran"), start("ran", "1"), enqueue("over"), enqueue("left")], {
      left: ["left"],
      over: ["over"],
    });

    expect(report).toMatchObject({ valid: false, lost: ["never-ran", "ran"] });
  });

  test("I12: what ran and was never asked for, or was refused, is unexpected", () => {
    const report = totalQueue([start("ghost", "1"), over("ghost", "1"), enqueue("refused", "refused"), start("refused", "2")]);

    expect(report).toMatchObject({ valid: false, unexpected: ["ghost", "refused"], lost: [] });
  });

  test("I13: what is left after the drain is stuck", () => {
    expect(totalQueue([enqueue("a")], { left: ["a"] })).toMatchObject({ valid: false, stuck: ["a"], lost: [] });
  });

  test("I7: what two runs settled for good was settled once too often; one that was enqueued twice was not", () => {
    const twice = [start("a", "1"), over("a", "1"), start("a", "2"), over("a", "2")];

    expect(totalQueue([enqueue("a"), ...twice])).toMatchObject({ valid: false, doubleAcks: ["a"], duplicated: 1 });
    expect(totalQueue([enqueue("a"), enqueue("a"), ...twice])).toMatchObject({ valid: true, doubleAcks: [], duplicated: 0 });
  });

  test("an enqueue without an answer may have come through or not, and a second run is counted and allowed", () => {
    const report = totalQueue([
      enqueue("came", "unknown"),
      enqueue("did-not", "unknown"),
      start("came", "1"),
      start("came", "2"),
      over("came", "2"),
    ]);

    expect(report).toMatchObject({ valid: true, recovered: ["came"], duplicated: 1 });
  });

  test("tells of runs of one task that were at the same time, one without an end lasting on", () => {
    const report = totalQueue([
      enqueue("a"),
      start("a", "1", 0),
      end("1", 10),
      start("a", "2", 10),
      start("a", "3", 15),
      end("3", 20),
      start("a", "4", 30),
    ]);

    expect(report.overlaps).toEqual([
      { id: "a", runs: ["2", "3"] },
      { id: "a", runs: ["2", "4"] },
    ]);
  });

  test("is not valid for any one of what it finds, and not for two that are as many", () => {
    const settledTwice = [enqueue("twice"), start("twice", "1"), over("twice", "1"), start("twice", "2"), over("twice", "2")];
    const valid = (history: readonly HistoryEvent[], left: readonly string[] = []): boolean => totalQueue(history, { left }).valid;

    expect(valid([enqueue("lost")])).toBe(false);
    expect(valid([start("ghost", "1")])).toBe(false);
    expect(valid([enqueue("lost"), start("ghost", "1")])).toBe(false);
    expect(valid([enqueue("lost"), enqueue("left")], ["left"])).toBe(false);
    expect(valid([enqueue("lost"), ...settledTwice])).toBe(false);
    expect(valid([enqueue("left"), ...settledTwice], ["left"])).toBe(false);
  });

  test("takes nothing for over that is not, and an end without a start for nothing", () => {
    const history: HistoryEvent[] = [enqueue("a"), start("a", "1"), { type: "settle", id: "a", run: "1", over: false }, end("none", 5)];

    expect(totalQueue(history)).toMatchObject({ lost: ["a"], runs: 1, doubleAcks: [] });
  });

  test("counts what ran unasked among no duplicates", () => {
    expect(totalQueue([start("ghost", "1"), start("ghost", "2")])).toMatchObject({ duplicated: 0, unexpected: ["ghost"] });
  });

  test("tells of two runs at the same time whoever was written down first", () => {
    const history = [enqueue("a"), start("a", "late", 5), start("a", "early", 0), end("early", 6), end("late", 7)];

    expect(totalQueue(history).overlaps).toEqual([{ id: "a", runs: ["early", "late"] }]);
    const ending = [start("a", "1", 0), end("1", 10), start("a", "2", 5), end("2", 10), start("a", "3", 7)];
    expect(totalQueue([enqueue("a"), ...ending]).overlaps).toEqual([
      { id: "a", runs: ["1", "2"] },
      { id: "a", runs: ["1", "3"] },
    ]);
    expect(totalQueue([enqueue("a"), start("a", "1", 0), start("a", "2", 0)]).overlaps).toEqual([{ id: "a", runs: ["1", "2"] }]);
  });

  test("says what it found", () => {
    const history = [enqueue("lost"), start("ghost", "1"), enqueue("left"), enqueue("twice"), over("twice", "2"), over("twice", "3")];
    const findings = totalQueueFindings("q", totalQueue(history, { left: ["left"] }));

    expect(findings.map(({ invariant, id, message }) => `${invariant} ${id} ${message}`)).toEqual([
      "I12 lost was acknowledged, and is neither over nor left",
      "I12 ghost ran, and was never enqueued",
      "I13 left is left after the drain",
      "I7 twice was settled for good more than once",
    ]);
  });

  test("puts what it found into findings", () => {
    const report = totalQueue([enqueue("lost"), start("ghost", "1"), enqueue("left")], { left: ["left"] });

    expect(totalQueueFindings("default", report).map(({ invariant, key }) => `${invariant} ${key}`)).toEqual([
      "I12 asynq:{default}:t:lost",
      "I12 asynq:{default}:t:ghost",
      "I13 asynq:{default}:t:left",
    ]);
  });
});

describe("monotone", () => {
  const counted = (counters: Readonly<Record<string, string>>): QueueState => state({ counters: new Map(Object.entries(counters)) });

  test("I11: finds a counter that fell or a total that is gone, and not a day that expired", () => {
    const before = counted({ processed: "10", failed: "2", "processed:2040-01-02": "9", "failed:2039-10-01": "1" });

    expect(monotone(before, counted({ processed: "10", failed: "3", "processed:2040-01-02": "9" }))).toEqual([]);
    expect(monotone(before, counted({ processed: "9", "processed:2040-01-02": "8" })).map(({ key }) => key)).toEqual([
      "asynq:{default}:processed",
      "asynq:{default}:failed",
      "asynq:{default}:processed:2040-01-02",
    ]);
  });

  test("says what a counter was, and what it is", () => {
    expect(monotone(counted({ processed: "10", failed: "2" }), counted({ processed: "9" }))).toEqual([
      { invariant: "I11", queue: "default", key: "asynq:{default}:processed", message: "was 10, and is 9" },
      { invariant: "I11", queue: "default", key: "asynq:{default}:failed", message: "was 2, and is gone" },
    ]);
  });

  test("lets a total start again within a million of the end of its numbers, and not before", () => {
    expect(monotone(counted({ processed: "9223372036853775809" }), counted({ processed: "1" }))).toEqual([]);
    expect(monotone(counted({ processed: "9223372036853775808" }), counted({ processed: "1" }))).toHaveLength(1);
  });

  test("lets a total start again at the end of its numbers, as Asynq does", () => {
    expect(monotone(counted({ processed: "9223372036854775806" }), counted({ processed: "1" }))).toEqual([]);
    expect(monotone(counted({ processed: "9007199254740993" }), counted({ processed: "9007199254740992" }))).toHaveLength(1);
  });
});

describe("untouchedWhilePaused", () => {
  test("I14: finds what became active while the queue was paused, and nothing where it was not all the time", () => {
    const before = state({ paused: true, active: ["a"] });
    const after = state({ paused: true, active: ["a", "b"] });

    expect(untouchedWhilePaused(before, after)).toEqual([
      {
        invariant: "I14",
        queue: "default",
        key: "asynq:{default}:active",
        id: "b",
        message: "became active while the queue was paused",
      },
    ]);
    expect(untouchedWhilePaused({ ...before, paused: false }, after)).toEqual([]);
    expect(untouchedWhilePaused(before, { ...after, paused: false })).toEqual([]);
  });
});

describe("fenced", () => {
  const write = (token: number, accepted: boolean, keeps = false): LeaseEvent => ({ type: "write", id: "a", token, accepted, keeps });
  const take = (token: number): LeaseEvent => ({ type: "take", id: "a", token });

  test("I7: takes what only holders wrote for sound", () => {
    const events = [
      take(1),
      write(1, true, true),
      write(2, false),
      write(1, true),
      write(1, false),
      take(3),
      { type: "end", id: "a" },
      write(3, false),
    ];

    expect(fenced("default", events as LeaseEvent[])).toEqual([]);
  });

  test("I7: finds an accepted write of one who lost the lease, and a refused one of who holds it", () => {
    expect(fenced("default", [take(1), take(2), write(1, true)])).toMatchObject([
      { invariant: "I7", id: "a", message: expect.stringContaining("took") },
    ]);
    expect(fenced("default", [take(1), write(1, true), write(1, true)])).toHaveLength(1);
    expect(fenced("default", [take(1), write(1, false)])).toMatchObject([{ message: expect.stringContaining("refused") }]);
  });
});

describe("withinBounds and flat", () => {
  test("I16: find what is above its bound, and what rises though one sample alone does not make it", () => {
    const samples = Array.from({ length: 20 }, (_, i) => ({ sockets: 5, heap: 100 + i, spiky: i === 15 ? 1_000 : 100 }));

    expect(withinBounds(samples, { sockets: 5, heap: 200 })).toEqual([]);
    expect(withinBounds(samples, { sockets: 4 })).toMatchObject([{ invariant: "I16", key: "sockets", message: "was 5, and may be 4" }]);
    expect(flat(samples, { sockets: 0, heap: 9, spiky: 0 })).toEqual([]);
    expect(flat(samples, { heap: 8 })).toEqual([{ invariant: "I16", queue: "", key: "heap", message: "rose by 9, and may by 8" }]);
    expect(withinBounds(samples, { spiky: 999 })).toEqual([
      { invariant: "I16", queue: "", key: "spiky", message: "was 1000, and may be 999" },
    ]);
    expect(withinBounds(samples, { unmeasured: 0 })).toEqual([]);
  });

  test("I16: rise by the middle one of all slopes, whatever their order", () => {
    const samples = [9, 9, 9, 9, 0, 30, 0, 3].map((heap) => ({ heap }));

    expect(flat(samples, { heap: 3 })).toEqual([]);
    expect(flat(samples, { heap: 2 })).toMatchObject([{ message: "rose by 3, and may by 2" }]);
    expect(flat([], { heap: 0 })).toEqual([]);
  });
});

function state(over: Partial<QueueState>): QueueState {
  return { queue: "default", paused: false, active: [], counters: new Map(), tasks: 0, ...over };
}
