import { expect, test } from "vitest";
import type { QueueCounts } from "./count-tasks.ts";
import { noWork } from "./cron-work.ts";
import { summarize } from "./summarize.ts";

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
const queue = (counts: Partial<QueueCounts>): QueueCounts => ({ queue: "q", ...empty, ...counts });
const told = { enqueued: 10, duplicates: 2, durationMs: 1_234 };

test("nothing is lost when every task is done, completed or archived", () => {
  // Pictures: 6 completed, 1 archived. Mails: 3 done, after 4 greylistings.
  const counts = [queue({ completed: 6, archived: 1, processed: 7, failed: 1 }), queue({ processed: 7, failed: 4 })];
  expect(summarize(counts, { ...noWork, forwarded: 4 }, told)).toEqual({
    enqueued: 10,
    processed: 14,
    retried: 4,
    archived: 1,
    duplicates: 2,
    forwarded: 4,
    recovered: 0,
    fired: 0,
    aggregated: 0,
    digests: 0,
    lost: 0,
    durationMs: 1_234,
  });
});

test("a task that is still somewhere, or nowhere, is lost", () => {
  const counts = [queue({ completed: 6, processed: 6, active: 1, retry: 1 })];
  expect(summarize(counts, noWork, told)).toMatchObject({ processed: 6, lost: 4 });
});

test("tasks of a cron entry are to be done as well, and one digest in the place of the tasks that it holds", () => {
  const work = { ...noWork, fired: 3, aggregated: 6, digests: 2 };
  expect(summarize([queue({ processed: 9 })], work, told)).toMatchObject({ processed: 9, lost: 0 });
  expect(summarize([queue({ processed: 8 })], work, told)).toMatchObject({ lost: 1 });
});
