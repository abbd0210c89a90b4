import { expect, test } from "vitest";
import { byQueue } from "./by-queue.ts";
import { splitCalls } from "./split-calls.ts";

const sizes = (most: { readonly items: number; readonly bytes: number }, ...of: readonly number[]): number[][] =>
  splitCalls(of, most, (size) => size);

test("calls are filled to their number of items and to their bytes, and not beyond, in order", () => {
  expect(sizes({ items: 2, bytes: 100 }, 1, 2, 3, 4, 5)).toEqual([[1, 2], [3, 4], [5]]);
  expect(sizes({ items: 9, bytes: 10 }, 4, 6, 5, 5, 1)).toEqual([[4, 6], [5, 5], [1]]);
  expect(sizes({ items: 9, bytes: 10 }, 4, 7, 3, 1)).toEqual([[4], [7, 3], [1]]);
});

test("an item that is larger than all bytes has a call of its own, and nothing is a call of nothing", () => {
  expect(sizes({ items: 9, bytes: 10 }, 11, 1, 12, 13)).toEqual([[11], [1], [12], [13]]);
  expect(sizes({ items: 9, bytes: 10 }, 0, 11, 0)).toEqual([[0], [11], [0]]);
  expect(sizes({ items: 9, bytes: 10 })).toEqual([]);
});

test("items are sorted into their queues, each in order and with its place among all", () => {
  const sorted = byQueue(["b1", "a1", "b2", "a2", "a3"], (item) => item[0]!);

  expect([...sorted]).toEqual([
    [
      "b",
      [
        { item: "b1", at: 0 },
        { item: "b2", at: 2 },
      ],
    ],
    [
      "a",
      [
        { item: "a1", at: 1 },
        { item: "a2", at: 3 },
        { item: "a3", at: 4 },
      ],
    ],
  ]);
  expect([...byQueue([], String)]).toEqual([]);
});
