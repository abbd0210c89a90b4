import { expect, test } from "vitest";
import type { QueueCounts } from "./count-tasks.ts";
import { summarize } from "./summarize.ts";

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
const queue = (counts: Partial<QueueCounts>): QueueCounts => ({ queue: "q", ...empty, ...counts });
const told = { enqueued: 10, duplicates: 2, durationMs: 1_234 };

test("nothing is lost when every task is done, completed or archived", () => {
  // Pictures: 6 completed, 1 archived. Mails: 3 done, after 4 greylistings.
  const counts = [queue({ completed: 6, archived: 1, processed: 7, failed: 1 }), queue({ processed: 7, failed: 4 })];
  expect(summarize(counts, told)).toEqual({
    enqueued: 10,
    processed: 14,
    retried: 4,
    archived: 1,
    duplicates: 2,
    lost: 0,
    durationMs: 1_234,
  });
});

test("a task that is still somewhere, or nowhere, is lost", () => {
  const counts = [queue({ completed: 6, processed: 6, active: 1, retry: 1 })];
  expect(summarize(counts, told)).toMatchObject({ processed: 6, lost: 4 });
});

test("recoveries are told where a worker was killed, also when there were none", () => {
  expect(summarize([queue({})], { ...told, recovered: 0 })).toMatchObject({ recovered: 0 });
  expect(summarize([queue({})], told)).not.toHaveProperty("recovered");
});
