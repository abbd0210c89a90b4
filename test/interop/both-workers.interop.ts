import { Task } from "@asynqjs/client-edge";
import type { Redis } from "ioredis";
import type { GoQueueInfo } from "./go-peer.ts";
import { expect, goVersions, onGo, type Worker } from "./interop-test.ts";

const tasks = 3_000;
/** How many each worker runs at once. */
const concurrency = 8;
const kills = 6;

onGo(goVersions, (test) => {
  test(`a Go worker and ours on one queue, ${kills} kills among ${tasks} tasks: nothing is lost, every task is completed, or archived with the reason`, async ({
    redis,
    client,
    go,
    startGoWorker,
    startNodeWorker,
  }) => {
    const ids = Array.from({ length: tasks }, (_, i) => `task${i}`);
    const half = tasks / 2;
    const options = { retentionSec: 3600, maxRetry: 25 };
    for (const { error } of await client.enqueueMany(ids.slice(0, half).map((taskId) => new Task("nap", "5", { ...options, taskId }))))
      expect(error).toBeUndefined();
    const nap = Buffer.from("5");
    const enqueued = await go.enqueue(...ids.slice(half).map((taskId) => ({ type: "nap", payload: nap, options: { ...options, taskId } })));
    expect(enqueued.filter(({ error }) => error !== undefined)).toEqual([]);

    const all: Worker[] = [];
    const start = async (kind: "go" | "node"): Promise<Worker> => {
      const worker = await (kind === "go" ? startGoWorker({ concurrency, retryDelayMs: 100 }) : startNodeWorker({ concurrency }));
      all.push(worker);
      return worker;
    };
    const running = { go: await start("go"), node: await start("node") };
    let lost = 0;
    for (let nth = 0; nth < kills; nth++) {
      const kind = nth % 2 === 0 ? "go" : "node";
      // In the midst of the work.
      await expect.poll(async () => (await go.queueInfo()).Completed).toBeGreaterThan(((nth + 1) * tasks) / (kills + 3));
      await running[kind].end("SIGKILL");
      lost += await makeLeasesOld(redis, kind);
      running[kind] = await start(kind);
    }

    expect(lost).toBeGreaterThan(0);

    // Go's recoverer acts at its start, ours twice a second; a task that ours recovered is due some seconds later, by its backoff. Where a
    // dying worker's last fetch came after its leases were made old, ours waits for that lease: 30 s and 30 s more, of Go's clock.
    await expect.poll(async () => ready(await go.queueInfo()), { timeout: 90_000 }).toBe(0);
    // Ours runs one of those at a time, seconds apart; Go takes them all.
    await running.node.end();
    await expect.poll(async () => unfinished(await go.queueInfo())).toBe(0);
    await running.go.end();

    const archived = await go.list("archived");
    for (const { lastErr } of archived) expect(lastErr).toBe("crashed 3 workers");
    const kept = [...(await redis.zrange("asynq:{default}:completed", "0", "-1")), ...archived.map(({ id }) => id)];
    expect(kept.sort()).toEqual([...ids].sort());
    const emptied = ["active", "lease", "pending", "retry", "scheduled"].map((name) => `asynq:{default}:${name}`);
    expect(await redis.exists(...emptied)).toBe(0);
    const ran = new Set(all.flatMap((worker) => worker.lines.flatMap((line) => (line.event === "run" ? [line.id] : []))));
    expect([...ran].sort()).toEqual([...ids].sort());
  }, 150_000);
});

function ready({ Pending, Active }: GoQueueInfo): number {
  return Pending + Active;
}

function unfinished({ Pending, Active, Scheduled, Retry }: GoQueueInfo): number {
  return Pending + Active + Scheduled + Retry;
}

/**
 * Lets the leases of a worker that was killed be those of two minutes ago, in place of two minutes of Go's clock; what holds them writes no
 * more, and the other's are told apart by their fraction. Answers how many they were.
 */
async function makeLeasesOld(redis: Redis, killed: "go" | "node"): Promise<number> {
  const script = `
    local old = 0
    for _, id in ipairs(redis.call("ZRANGE", KEYS[1], 0, -1)) do
      local score = tonumber(redis.call("ZSCORE", KEYS[1], id))
      if (score % 1 == 0) == (ARGV[1] == "go") then
        redis.call("ZADD", KEYS[1], score - 120, id)
        old = old + 1
      end
    end
    return old`;
  return (await redis.eval(script, 1, "asynq:{default}:lease", killed)) as number;
}
