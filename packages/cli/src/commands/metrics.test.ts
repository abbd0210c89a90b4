import { type CliFixtures, describe, expect, test } from "../../test/cli-test.ts";

/** Runs the exporter on a free port, does `work` with where it is, and stops it. */
async function serving(cliWith: CliFixtures["cliWith"], work: (url: string) => Promise<void>, ...args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const { promise: url, resolve } = withResolvers<string>();
  const stderr = {
    write(line: string): void {
      const [, at] = /^metrics at (\S+)/.exec(line) ?? [];
      if (at !== undefined) resolve(at);
    },
  };
  const ran = cliWith({ signal: stop.signal, stderr }, "metrics", "--serve", "--port=0", ...args);
  await work(await url);
  stop.abort();
  return (await ran).code;
}

function withResolvers<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe("metrics", () => {
  test("prints how queues stand under the names of Asynq's exporter", async ({ cli, redis }) => {
    await redis.sadd("asynq:queues", "mail");
    await redis.lpush("asynq:{mail}:pending", "a", "b");

    const { code, out, err } = await cli("metrics");

    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("# TYPE asynq_tasks_enqueued_total gauge\n");
    expect(out).toContain('asynq_tasks_enqueued_total{queue="mail",state="pending"} 2\n');
    expect(out).toContain('asynq_queue_size{queue="mail"} 2\n');
  });

  test("serves them at /metrics, anew at each request, and ends when it is told to", async ({ cliWith, redis }) => {
    await redis.sadd("asynq:queues", "mail");

    const code = await serving(cliWith, async (url) => {
      const before = await fetch(url);
      await redis.lpush("asynq:{mail}:pending", "a");
      const after = await fetch(url);

      expect(before.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(await before.text()).toContain('asynq_queue_size{queue="mail"} 0\n');
      expect(await after.text()).toContain('asynq_queue_size{queue="mail"} 1\n');
      expect((await fetch(new URL("/", url))).status).toBe(404);
      expect((await fetch(url, { method: "POST" })).status).toBe(405);
    });

    expect(code).toBe(0);
  });

  test("answers 503 where Redis refuses, and goes on", async ({ cliWith, redis }) => {
    await redis.set("asynq:queues", "no set");

    const code = await serving(cliWith, async (url) => {
      expect((await fetch(url)).status).toBe(503);
      await redis.del("asynq:queues");
      expect((await fetch(url)).status).toBe(200);
    });

    expect(code).toBe(0);
  });

  test("says where it cannot serve, and ends", async ({ cliWith, cli }) => {
    await serving(cliWith, async (url) => {
      const { code, err } = await cli("metrics", "--serve", `--port=${new URL(url).port}`);

      expect(code).toBe(1);
      expect(err).toMatch(/^asynqjs: cannot serve at 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n$/);
    });
  });
});
