import { seededRandom } from "@asynqjs/core/testing";
import { describe, expect, test } from "vitest";
import { queueOrder } from "./queue-order.ts";

describe("queueOrder", () => {
  test("strict looks at the queues by falling priority, every time", () => {
    const order = queueOrder({ low: 1, critical: 6, default: 3 }, { strict: true, random: seededRandom(1) });

    expect([order(), order()]).toEqual([
      ["critical", "default", "low"],
      ["critical", "default", "low"],
    ]);
  });

  test("weighted has every queue in every answer, once", () => {
    const order = queueOrder({ low: 1, critical: 6, default: 3 }, { strict: false, random: seededRandom(1) });

    for (let i = 0; i < 100; i++) expect(order().sort()).toEqual(["critical", "default", "low"]);
  });

  test("weighted puts a queue first as often as its share of the priorities, and second as the shuffle of Asynq would", () => {
    const order = queueOrder({ low: 10, critical: 60, default: 30 }, { strict: false, random: seededRandom(1) });
    const counts: Record<string, number> = {};
    const draws = 20_000;

    for (let i = 0; i < draws; i++) {
      const key = order().slice(0, 2).join(">");
      counts[key] = (counts[key] ?? 0) + 1;
    }

    // The chance of the first, times the chance of the second among what is left.
    const expected = {
      "critical>default": 0.6 * (3 / 4),
      "critical>low": 0.6 * (1 / 4),
      "default>critical": 0.3 * (6 / 7),
      "default>low": 0.3 * (1 / 7),
      "low>critical": 0.1 * (6 / 9),
      "low>default": 0.1 * (3 / 9),
    };
    for (const [key, share] of Object.entries(expected)) expect(counts[key]! / draws).toBeCloseTo(share, 1.7);
  });

  test("a priority of a million costs no more than one of two", () => {
    const order = queueOrder({ a: 1_000_000, b: 999_999 }, { strict: false, random: seededRandom(1) });

    const first = Array.from({ length: 100 }, () => order()[0]);

    expect(new Set(first)).toEqual(new Set(["a", "b"]));
  });
});
