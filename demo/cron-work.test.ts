import { expect, test } from "vitest";
import { addWork, noWork, whatIsMissing } from "./cron-work.ts";

const common = { more: false, errors: [] };
const scheduled = { skipped: 0, overlapping: 0, duplicates: 0, conflicts: 0, lost: 0, moved: 0, ...common };

test("what the cron Worker did is the sum of what its runs told", () => {
  const report = { failed: [], more: false, requests: 9 };
  const messages = [
    { kind: "rung" },
    { kind: "report", minuteMs: 0, report: { ...report, schedule: { fired: 1, ...scheduled } } },
    { kind: "rung" },
    {
      kind: "report",
      minuteMs: 60_000,
      report: {
        ...report,
        schedule: { fired: 1, ...scheduled },
        aggregate: { sets: 1, aggregated: 4, quarantined: 0, dangling: 0, lost: 0, ...common },
      },
    },
  ] as const;
  expect(messages.reduce(addWork, noWork)).toEqual({
    rung: 2,
    reports: 2,
    fired: 2,
    forwarded: 0,
    recovered: 0,
    aggregated: 4,
    digests: 1,
  });
});

test("what it did not do is named", () => {
  const work = { ...noWork, fired: 1, forwarded: 9, recovered: 4, aggregated: 5, digests: 2 };
  expect(whatIsMissing(work, { lost: 4, reviews: 5 })).toEqual([]);
  expect(whatIsMissing(noWork, { lost: 4, reviews: 5 })).toEqual([
    "the cron Worker fired no slot of the cron entry",
    "the cron Worker made no task ready",
    "the cron Worker took back 0 of 4 tasks that lost workers held",
    "the cron Worker gathered 0 tasks, should be 5",
  ]);
});
