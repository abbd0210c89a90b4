import type { Examination } from "@asynqjs/core/doctor";
import type { Redis } from "ioredis";
import { beforeEach } from "vitest";
import { useOwnRedis } from "../../../../test/support/redis-test.ts";
import { describe, expect, runCli, test } from "../../test/cli-test.ts";

useOwnRedis();

const patched = ["--ignore", "redis-unpatched"];

beforeEach<{ readonly redis: Redis }>(async ({ redis }) => {
  await redis.config("SET", "appendonly", "yes");
  await redis.config("SET", "maxmemory-policy", "noeviction");
});

/** A task that has waited for long, and no server. */
async function leaveAlone(redis: Redis, queue: string): Promise<void> {
  await redis.sadd("asynq:queues", queue);
  await redis.lpush(`asynq:{${queue}}:pending`, "a");
  await redis.hset(`asynq:{${queue}}:t:a`, { msg: "", state: "pending", pending_since: "1700000000000000000" });
}

describe("doctor", () => {
  test("ends with 0 and says so where nothing is wrong", async ({ cli }) => {
    expect(await cli("doctor", ...patched)).toEqual({
      code: 0,
      out: "looked at 0 queues, 0 servers, and for the invariants\n\nnothing is wrong\n",
      err: "",
    });
  });

  test("tells each finding with what was seen and what to do, and ends with 8", async ({ cli, redis }) => {
    await leaveAlone(redis, "mail");
    const { code, out, err } = await cli("doctor", ...patched);

    expect({ code, err }).toEqual({ code: 8, err: "" });
    expect(out).toMatch(/^looked at 1 queue, 0 servers/);
    expect(out).toContain('error no-server (queue "mail"): nothing runs: no server beats\n  seen: 1 task pending, the oldest for ');
    expect(out).toContain("\n  do:   start a server\n");
    expect(out).not.toContain("\x1b");
  });

  test("is JSON where that is asked for, and fails from the severity on that it is told", async ({ cli, redis }) => {
    await redis.config("SET", "appendonly", "no");
    const warned = await cli("doctor", "--json", ...patched);
    expect(warned).toMatchObject({ code: 8, err: "" });
    const { worst, diagnoses, looked } = JSON.parse(warned.out) as Examination;
    expect({ worst, codes: diagnoses.map(({ code }) => code) }).toEqual({ worst: "warning", codes: ["no-persistence"] });
    expect(looked.invariants).toBe(true);

    expect(await cli("doctor", "--fail-on", "error", ...patched)).toMatchObject({ code: 0 });
    expect(await cli("doctor", "--ignore", "redis-unpatched", "no-persistence")).toMatchObject({ code: 0 });
  });

  test("looks at the queues it is given alone, and demands a tier", async ({ cli, redis }) => {
    await leaveAlone(redis, "mail");
    await leaveAlone(redis, "other");
    const { out } = await cli("doctor", "--queue=mail", "--durability=fsync", ...patched);

    expect(out).toContain('no-server (queue "mail")');
    expect(out).not.toContain("other");
    expect(out).toContain("error durability (redis): the tier of durability that is demanded cannot be had");
    expect((await cli("doctor", "--max-queues=1", ...patched)).out).toMatch(/^looked at 1 of 2 queues/);
  });

  test("says of a queue it is given that there is none, and tells of the others", async ({ cli, redis }) => {
    await leaveAlone(redis, "mail");
    const { code, out, err } = await cli("doctor", "--queue", "mial", "mail", ...patched);

    expect({ code, err }).toEqual({ code: 3, err: "asynqjs: queue not found: queue=\"mial\"; see 'asynqjs queue list'\n" });
    expect(out).toContain('no-server (queue "mail")');
  });

  test("paints on a terminal, unless NO_COLOR is set, and lets no name move the cursor", async ({ cliWith, redis }) => {
    await leaveAlone(redis, "a\x1b[2Jb");
    const painted = await cliWith({ isTTY: true }, "doctor", ...patched);
    expect(painted.out).toContain("\x1b[31merror\x1b[39m no-server");
    expect(painted.out).not.toContain("\x1b[2J");
    expect((await cliWith({ isTTY: true, env: { NO_COLOR: "1" } }, "doctor", ...patched)).out).not.toContain("\x1b");
  });

  test.each([
    [["--ignore", "nothing"], "--ignore: expected one of redis-too-old, "],
    [["--max-queues", "0"], "--max-queues"],
    [["--durability", "some"], "--durability"],
    [["--fail-on", "notice"], "--fail-on"],
  ] as const)("%j cannot be used: it says which can, and sends nothing", async (flags, said) => {
    expect(await runCli(["doctor", "--uri", "127.0.0.1:1", ...flags])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining(said),
    });
  });

  test("that cannot reach Redis says so, and ends with 5", async () => {
    expect(await runCli(["doctor", "--uri", "127.0.0.1:1"])).toMatchObject({ code: 5, out: "" });
  });
});
