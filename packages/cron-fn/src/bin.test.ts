import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import { freePort, startRedis } from "../../../test/support/redis-server.ts";
import { expect, test } from "../../../test/support/redis-test.ts";

const bin = fileURLToPath(new URL("bin.ts", import.meta.url));

function start(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [bin, ...args], { env: { ...process.env, NODE_NO_WARNINGS: "1" } });
}

const ended = (child: ChildProcessWithoutNullStreams): Promise<number | null> =>
  new Promise((resolve) => child.on("close", (code) => resolve(code)));

async function cron(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = start(...args);
  const [out, err] = [child.stdout, child.stderr].map(async (stream) => (await stream.toArray()).join(""));
  const code = await ended(child);
  return { code, out: await out!, err: await err! };
}

describe("asynqjs-cron", () => {
  test("runs once, prints what it did as JSON, and exits 0", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "default");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{default}:scheduled", 1, "a");

    const { code, out, err } = await cron("--redis", redisUrl);

    expect(JSON.parse(out)).toMatchObject({
      forward: { forwarded: 1, more: false },
      recover: { recovered: 0 },
      janitor: { expired: 0 },
      repair: { leased: 0 },
      failed: [],
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  });

  test("keeps what it is told to keep", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "default");
    for (const [at, state] of ["archived", "archived", "completed", "completed"].entries()) {
      await redis.hset(`asynq:{default}:t:${at}`, "msg", "m", "state", state);
      await redis.zadd(`asynq:{default}:${state}`, Math.floor(Date.now() / 1000) + 1_000 + at, String(at));
    }
    const limits = ["--archive-max-age-sec", "100000", "--archive-max-size", "2", "--completed-max-size", "1"];

    const { out } = await cron("janitor", "--redis", redisUrl, ...limits);

    expect(JSON.parse(out)).toMatchObject({ janitor: { trimmed: 1, completedTrimmed: 1 } });
    expect((await redis.keys("asynq:{default}:t:*")).sort()).toEqual(["asynq:{default}:t:1", "asynq:{default}:t:3"]);
  });

  test("says which tick failed in which queue and exits 1, and the others were served", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "broken", "open");
    await redis.set("asynq:{broken}:pending", "in the way");
    await redis.hset("asynq:{open}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{open}:scheduled", 1, "a");

    const { code, out, err } = await cron("forward", "--redis", redisUrl);

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      forward: { forwarded: 1 },
      failed: [{ tick: "forward", queue: "broken", error: { code: "REDIS" } }],
    });
    expect(err).toMatch(/^asynqjs-cron: forward of queue "broken" failed: .*\n$/);
  });

  test("runs every so often until SIGTERM, and then exits 0", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "default");
    const child = start("--redis", redisUrl, "--every-ms", "50");
    const over = ended(child);
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const report = JSON.parse(line);
      expect(report).toMatchObject({ forward: {}, failed: [] });
      if (++lines === 1) {
        expect(report).toHaveProperty("janitor");
        await redis.hset("asynq:{default}:t:late", "msg", "m", "state", "scheduled");
        await redis.zadd("asynq:{default}:scheduled", 1, "late");
      }
      if (lines > 1 && (await redis.llen("asynq:{default}:pending")) === 1) child.kill("SIGTERM");
    }

    expect(await over).toBe(0);
    expect(lines).toBeGreaterThan(1);
  });

  test("goes on where Redis is away for some runs, and says so", async () => {
    const port = await freePort();
    const child = start("--redis", `redis://127.0.0.1:${port}`, "--every", "100ms", "--timeout-ms", "100");
    const over = ended(child);
    const complaint = (await createInterface({ input: child.stderr })[Symbol.asyncIterator]().next()).value;
    expect(complaint).toMatch(/^asynqjs-cron: redis did not answer/);

    const server = await startRedis({ port });
    for await (const line of createInterface({ input: child.stdout })) {
      expect(JSON.parse(line)).toMatchObject({ failed: [] });
      child.kill("SIGINT");
    }
    expect(await over).toBe(0);
    await server.stop();
  });

  test("says what is wrong in one line: 2 for bad arguments, 1 for a Redis that is not there", async () => {
    expect(await cron("fly")).toEqual({
      code: 2,
      out: "",
      err: 'asynqjs-cron: unknown tick "fly"; expected one of schedule, forward, recover, janitor, repair\n',
    });
    expect(await cron("--redis", "nonsense://secret@h")).toMatchObject({ code: 2, err: expect.not.stringContaining("secret") });
    const nobody = await cron("--redis", "redis://:secret@127.0.0.1:1", "--timeout-ms", "200");
    expect(nobody).toMatchObject({ code: 1, out: "", err: expect.stringMatching(/^asynqjs-cron: redis did not answer.*\n$/) });
    expect(nobody.err).not.toContain("secret");
  });
});
