/** Waits for the alarms of workerd, whose clock is not ours. */
import path from "node:path";
import type { Miniflare } from "miniflare";
import { beforeAll, describe } from "vitest";
import { buildWorker } from "../support/build-worker.ts";
import { expect, test as gatewayTest, token } from "../support/gateway-test.ts";
import { runWorker } from "../support/run-worker.ts";

const compatibilityDate = "2026-10-01";
const everyMs = 300;

interface Report {
  readonly forward?: { readonly forwarded: number };
  readonly failed: readonly unknown[];
}

interface Alarm {
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** What each ring that came to its end said, in order, and when that was. */
  readonly reports: readonly { readonly report: Report; readonly atMs: number }[];
  readonly worker: Miniflare;
}

let module = "";
beforeAll(async () => {
  module = await buildWorker(path.join(import.meta.dirname, "cron-worker.ts"), compatibilityDate);
}, 60_000);

const test = gatewayTest.extend<{ alarm: Alarm }>({
  alarm: async ({ faults }, use) => {
    const reports: { readonly report: Report; readonly atMs: number }[] = [];
    const texts = { REDIS_URL: faults.url, REDIS_TOKEN: token, OPTIONS: JSON.stringify({ everyMs }) };
    const worker = runWorker(module, compatibilityDate, texts, {
      objects: { TICKS: "Ticks" },
      onLog: (line) => {
        if (line.startsWith("{")) reports.push({ report: JSON.parse(line), atMs: performance.now() });
      },
    });
    const act = (name: string) => async (): Promise<void> => {
      expect((await worker.dispatchFetch(`http://worker/${name}`, { method: "POST" })).status).toBe(204);
    };
    await use({ start: act("start"), stop: act("stop"), reports, worker });
    await worker.dispose();
  },
});

const soon = { timeout: 30_000, interval: 20 };

describe("the alarm of a Durable Object, in workerd", () => {
  test("runs what is due every so often from its start on, and what is new by then", async ({ alarm, redis }) => {
    await redis.sadd("asynq:queues", "default");
    await alarm.start();
    await expect.poll(() => alarm.reports.length, soon).toBeGreaterThanOrEqual(2);

    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{default}:scheduled", 1, "a");

    await expect.poll(() => redis.lrange("asynq:{default}:pending", 0, -1), soon).toEqual(["a"]);
    await expect.poll(() => alarm.reports.length, soon).toBeGreaterThanOrEqual(8);
    const [first, , , , , , , eighth] = alarm.reports;
    expect(eighth!.atMs - first!.atMs).toBeGreaterThan(7 * everyMs * 0.8);
    // What is due a few times a minute, and what is rare, runs once in these seconds.
    expect(alarm.reports.filter(({ report }) => "recover" in report)).toHaveLength(1);
    expect(alarm.reports.filter(({ report }) => "janitor" in report)).toHaveLength(1);
  });

  test("is one, however often it is started, and over when it is stopped", async ({ alarm }) => {
    await Promise.all([alarm.start(), alarm.start(), alarm.start()]);
    await expect.poll(() => alarm.reports.length, soon).toBeGreaterThanOrEqual(2);
    await alarm.start();
    await expect.poll(() => alarm.reports.length, soon).toBeGreaterThanOrEqual(6);
    const gaps = alarm.reports.slice(1).map(({ atMs }, i) => atMs - alarm.reports[i]!.atMs);
    expect(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length).toBeGreaterThan(everyMs * 0.7);

    await alarm.stop();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    const stopped = alarm.reports.length;
    await new Promise((resolve) => setTimeout(resolve, 4 * everyMs));
    expect(alarm.reports.length).toBe(stopped);

    await alarm.start();
    await expect.poll(() => alarm.reports.length, soon).toBeGreaterThan(stopped);
  });

  test("goes on after ticks that fail, and after runs that Redis does not answer at all", async ({ alarm, redis, faults }) => {
    await redis.sadd("asynq:queues", "broken");
    await redis.set("asynq:{broken}:pending", "in the way");
    await alarm.start();
    await expect.poll(() => alarm.reports.filter(({ report }) => report.failed.length > 0).length, soon).toBeGreaterThanOrEqual(3);

    // Five runs of two tries: an alarm that its runs had not set first would be retried after 2, 4, 8, 16 and 32 s.
    faults.next(...Array.from({ length: 10 }, () => "reset" as const));
    const asked = faults.requests.length;
    await expect.poll(() => faults.requests.length, soon).toBeGreaterThan(asked + 10);
    await redis.del("asynq:{broken}:pending");

    await expect.poll(() => alarm.reports.at(-1)!.report.failed, soon).toEqual([]);
    const well = alarm.reports.length;
    await expect.poll(() => alarm.reports.length, soon).toBeGreaterThanOrEqual(well + 3);
    const [a, b] = alarm.reports.slice(-2);
    expect(b!.atMs - a!.atMs, "the grain after failures").toBeLessThan(4 * everyMs);
  });
});
