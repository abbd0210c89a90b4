import { expect, test } from "vitest";
import type { QueueCounts } from "../count-tasks.ts";
import { noWork } from "../cron-work.ts";
import { announcer } from "./announcer.ts";
import { clockLine, openLine } from "./clock-lines.ts";
import { cronLine } from "./cron-line.ts";
import { progress } from "./progress.ts";
import { runLine } from "./run-line.ts";
import { openScreen, type Paint, type Screen } from "./screen.ts";
import { table } from "./table.ts";

const colourless: Paint = (_style, text) => text;
const empty = {
  pending: 0,
  active: 0,
  scheduled: 0,
  retry: 0,
  archived: 0,
  completed: 0,
  quarantined: 0,
  groups: 0,
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

test("what the cron Worker did is said in words, with the minute of the shop's clock, and nothing of a run that found nothing to do", () => {
  const report = { failed: [], more: false, requests: 9 };
  const common = { more: false, errors: [] };
  const forward = { forwarded: 3, dangling: 0, quarantined: 0, ...common };
  const aggregate = { sets: 2, aggregated: 5, quarantined: 0, dangling: 0, lost: 0, ...common };
  const minuteMs = Date.UTC(2026, 0, 1, 18, 42);
  expect(cronLine({ kind: "report", minuteMs, report: { ...report, forward, aggregate } }, colourless)).toBe(
    "◷ cron Worker        18:42 3 forwarded, 5 gathered in 2",
  );
  expect(cronLine({ kind: "report", minuteMs, report }, colourless)).toBeUndefined();
  const failed = [{ tick: "forward", error: new Error("no answer") }] as const;
  expect(cronLine({ kind: "report", minuteMs, report: { ...report, failed } }, colourless)).toBe(
    "◷ cron Worker        18:42 forward failed: no answer",
  );
});

test("a shop that stays open shows its clock, what the cron Worker did, and what is under way", () => {
  const nowMs = Date.UTC(2026, 0, 1, 18, 42, 7);
  expect(clockLine(nowMs, noWork, colourless)).toBe("18:42:07  ×15, cron Worker: not told yet");
  expect(clockLine(nowMs, { ...noWork, fired: 2, recovered: 4 }, colourless)).toBe("18:42:07  ×15, cron Worker: 2 fired, 4 taken back");
  expect(openLine([queue("q", {})], undefined, colourless)).toBe("all is quiet");
  expect(openLine([queue("q", { retry: 1 }), queue("r", { retry: 1, groups: 1 })], "3 mails so far", colourless)).toBe(
    "2 to retry, 1 group · last report: 3 mails so far",
  );
});

test("once the evening is over only what was asked for is said, the last report is kept, and nothing follows the last line", () => {
  const said: string[] = [];
  const announce = announcer({
    say: (line: string) => said.push(line),
    fit: (text: string) => text,
    paint: colourless,
  } as unknown as Screen);
  const run = {
    kind: "run",
    type: "report:send",
    queue: "q",
    outcome: "done",
    what: "3 mails",
    retryCount: 0,
    maxRetry: 25,
    tookMs: 1,
  } as const;
  announce.onRun(run);
  announce.quieten();
  announce.onRun({ ...run, what: "4 mails" });
  announce.onRun({ ...run, type: "mail:send", what: "sent" });
  expect(said).toEqual(["✓ report:send        3 mails  1 ms", "✓ mail:send          sent  1 ms"]);
  expect(announce.lastReport).toBe("4 mails");
  announce.mute();
  announce.onRun({ ...run, type: "mail:send" });
  expect(said).toHaveLength(2);
});

test("a line about a run says what was done, or what went wrong and what comes of it", () => {
  const run = { kind: "run", type: "mail:send", queue: "q", what: "451 greylisted", retryCount: 1, maxRetry: 5, tookMs: 12 } as const;
  const screen = { paint: colourless, fit: (text: string, less: number) => text.slice(0, 80 - less) };
  expect(runLine({ ...run, outcome: "retry" }, screen)).toBe("↻ mail:send          451 greylisted, will be tried again  try 2 of 6  12 ms");
  expect(runLine({ ...run, outcome: "done", what: "sent", retryCount: 0 }, screen)).toBe("✓ mail:send          sent  12 ms");
  expect(runLine({ ...run, outcome: "archived", what: "no picture", retryCount: 0 }, screen)).toBe(
    "✗ mail:send          no picture, archived  12 ms",
  );
  expect(runLine({ ...run, outcome: "done", what: "a".repeat(90) }, screen)).toHaveLength(80);
});

test("without a terminal only lines that stay are written, without colours", () => {
  const written: string[] = [];
  const screen = openScreen({ isTTY: false, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream);
  screen.redraw(["a bar"]);
  screen.say("a line");
  screen.leaveBlock();
  expect(written).toEqual(["a line\n"]);
});
