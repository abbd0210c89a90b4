import { expect, test } from "vitest";
import type { QueueCounts } from "../count-tasks.ts";
import { progress } from "./progress.ts";
import { runLine } from "./run-line.ts";
import { openScreen, type Paint } from "./screen.ts";
import { table } from "./table.ts";

const colourless: Paint = (_style, text) => text;
const empty = {
  pending: 0,
  active: 0,
  leases: 0,
  scheduled: 0,
  retry: 0,
  archived: 0,
  completed: 0,
  quarantined: 0,
  processed: 0,
  failed: 0,
};
const queue = (name: string, counts: Partial<QueueCounts>): QueueCounts => ({ queue: name, ...empty, ...counts });

test("a bar is as full as its queue is done, and the rest is said in words", () => {
  const counts = [
    queue("pictures", { completed: 5, archived: 1, processed: 6, failed: 1, active: 4, pending: 2 }),
    queue("mail", { scheduled: 1, retry: 2 }),
  ];
  expect(progress(counts, (name) => ({ pictures: 12, mail: 3 })[name]!, colourless)).toEqual([
    "pictures  ████████████░░░░░░░░░░░░   6/12  2 pending, 4 active, 1 archived",
    "mail      ░░░░░░░░░░░░░░░░░░░░░░░░    0/3  1 scheduled, 2 to retry",
  ]);
});

test("a bar never overflows, though a task may be done before its acceptance is known", () => {
  expect(progress([queue("mail", { processed: 2 })], () => 1, colourless)).toEqual(["mail  ████████████████████████    2/2"]);
  expect(progress([queue("mail", {})], () => 0, colourless)).toEqual(["mail  ░░░░░░░░░░░░░░░░░░░░░░░░    0/0"]);
});

test("a table aligns numbers to the right and text to the left", () => {
  expect(
    table(
      ["queue", "done"],
      [
        ["pictures", 15],
        ["", 3],
      ],
    ),
  ).toEqual(["queue     done", "────────  ────", "pictures    15", "             3"]);
});

test("a line about a run says what was done, or what went wrong and what comes of it", () => {
  const run = { kind: "run", type: "mail:send", queue: "q", what: "451 greylisted", retryCount: 1, maxRetry: 5, tookMs: 12 } as const;
  expect(runLine({ ...run, outcome: "retry" }, colourless)).toBe(
    "↻ mail:send          451 greylisted, will be tried again  try 2 of 6  12 ms",
  );
  expect(runLine({ ...run, outcome: "done", what: "sent", retryCount: 0 }, colourless)).toBe("✓ mail:send          sent  12 ms");
  expect(runLine({ ...run, outcome: "archived", what: "no picture", retryCount: 0 }, colourless)).toBe(
    "✗ mail:send          no picture, archived  12 ms",
  );
});

test("without a terminal only lines that stay are written, without colours", () => {
  const written: string[] = [];
  const screen = openScreen({ isTTY: false, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream);
  screen.redraw(["a bar"]);
  screen.say("a line");
  screen.leaveBlock();
  expect(written).toEqual(["a line\n"]);
});
