import { describe, expect, test } from "vitest";
import type { RunEvent } from "../worker-process.ts";
import { explainRuns, type Fault, runsOf } from "./explain-runs.ts";

const told = (worker: string, event: "start" | "end" | "fail", atMs: number): RunEvent => ({ worker, event, atMs, queue: "q", id: "a" });
const kill = (worker: string, atMs: number): Fault => ({ fault: "kill", worker, fromMs: atMs, untilMs: atMs });
const any = (): boolean => true;

describe("runs of a task", () => {
  test("one that ended, and one after a failure, need no explanation", () => {
    const runs = runsOf([told("w1", "start", 1), told("w1", "fail", 2), told("w2", "start", 3), told("w2", "end", 4)]);

    expect(explainRuns(runs, [], any)).toEqual({ runs: 2, extra: {}, possibly: {}, overlapping: 0, unexplained: [] });
  });

  test("a second one is explained by what struck the worker of the first one in between, and by nothing else", () => {
    const runs = runsOf([told("w1", "start", 10), told("w2", "start", 30), told("w2", "end", 31)]);

    expect(explainRuns(runs, [kill("w1", 20)], any)).toMatchObject({ extra: { kill: 1 }, overlapping: 1, unexplained: [] });
    for (const elsewhere of [kill("w1", 9), kill("w1", 31), kill("w2", 20)])
      expect(explainRuns(runs, [elsewhere], any).unexplained).toEqual(["q a: w1 from 10, no end told; w2 from 30 end 31"]);
    expect(explainRuns(runs, [kill("w1", 20)], () => false).unexplained).toHaveLength(1);
  });

  test("a fault that struck some tasks explains those alone", () => {
    const runs = runsOf([told("w1", "start", 10), told("w1", "end", 11), told("w2", "start", 30), told("w2", "end", 31)]);
    const evict = (task: string): Fault => ({ fault: "evict", fromMs: 5, untilMs: 12, tasks: [task] });

    expect(explainRuns(runs, [evict("q a")], any)).toMatchObject({ extra: { evict: 1 }, overlapping: 0, unexplained: [] });
    expect(explainRuns(runs, [evict("q b")], any).unexplained).toHaveLength(1);
  });

  test("what struck the task or its worker is named before what struck everybody", () => {
    const runs = runsOf([told("w1", "start", 10), told("w2", "start", 30), told("w2", "end", 31)]);
    const everybody: Fault = { fault: "flush", fromMs: 15, untilMs: 15 };

    expect(explainRuns(runs, [everybody, kill("w1", 20)], any).extra).toEqual({ kill: 1 });
    expect(explainRuns(runs, [everybody], any).extra).toEqual({ flush: 1 });
  });

  test("what struck everybody counts from when the task was asked for: its enqueue may have been repeated", () => {
    const runs = runsOf([told("w1", "start", 10), told("w1", "end", 11), told("w2", "start", 30), told("w2", "end", 31)]);
    const everybody: Fault = { fault: "evict call records", fromMs: 5, untilMs: 5 };

    expect(explainRuns(runs, [everybody], any, new Map([["q a", 4]])).extra).toEqual({ "evict call records": 1 });
    const both = explainRuns(runs, [everybody, kill("w1", 20)], any, new Map([["q a", 4]]));
    expect([both.extra, both.possibly]).toEqual([{ kill: 1 }, { kill: 1, "evict call records": 1 }]);
    expect(explainRuns(runs, [everybody], any, new Map([["q a", 6]])).unexplained).toHaveLength(1);
    expect(explainRuns(runs, [kill("w1", 5)], any, new Map([["q a", 4]])).unexplained).toHaveLength(1);
  });

  test("each of several extra runs is explained for itself", () => {
    const starts = [told("w1", "start", 10), told("w2", "start", 30), told("w3", "start", 50), told("w3", "end", 51)];

    expect(explainRuns(runsOf(starts), [kill("w1", 20), kill("w2", 40)], any).extra).toEqual({ kill: 2 });
    // The first worker may come to itself after the second has begun.
    expect(explainRuns(runsOf(starts), [{ ...kill("w1", 20), untilMs: 45, fault: "freeze" }], any).extra).toEqual({ freeze: 2 });
  });
});
