import { seededRandom } from "@asynqjs/core/testing";
import { describe, expect, test } from "vitest";
import { findGrowing, type Sample } from "./judge-flat.ts";

const counts = { Timeout: 7, TCPSocketWrap: 4, listeners: 60 };

/** Rounds of 200 tasks; the heap is up and down by 50 kB. */
function soak(leak: (round: number) => Partial<Sample> = () => ({}), rounds = 30): Sample[] {
  const random = seededRandom(1);
  return Array.from({ length: rounds }, (_, round) => ({
    ...{ tasks: (round + 1) * 200, heapBytes: 10_000_000 + random.float() * 100_000, counts },
    ...leak(round),
  }));
}

describe("a soak", () => {
  test("is flat when counts stay, timers sway, and the heap goes up and down", () => {
    expect(findGrowing(soak())).toEqual([]);
    expect(findGrowing(soak((round) => ({ counts: { ...counts, Timeout: 6 + (round % 3) } })))).toEqual([]);
  });

  test("is not when one listener is left behind in one round, or a timer in each", () => {
    expect(findGrowing(soak((round) => ({ counts: { ...counts, listeners: round < 20 ? 60 : 61 } })))).toEqual(["listeners: 60, 61"]);
    expect(findGrowing(soak((round) => ({ counts: { ...counts, Timeout: round } })))[0]).toMatch(/^Timeout: 0, 1, 2/);
    expect(findGrowing(soak((round) => ({ counts: round === 25 ? { ...counts, Worker: 1 } : counts })))).toEqual(["Worker: 0, 1"]);
  });

  test("is not when each task leaves a small object behind; of many samples less is allowed", () => {
    const leaking = (bytes: number, rounds: number): string[] =>
      findGrowing(soak((round) => ({ heapBytes: 10_000_000 + round * 200 * bytes }), rounds));

    expect(leaking(72, 30)).toEqual(["heapBytes rose by 201600, and may by 179200, for 2800 tasks"]);
    expect(leaking(24, 30)).toEqual([]);
    expect(leaking(24, 300)).toHaveLength(1);
  });

  test("is not judged by too few samples", () => {
    expect(findGrowing(soak(() => ({}), 7))).toEqual(["too few samples"]);
  });
});
