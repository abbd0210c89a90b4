import { manualClock } from "@asynqjs/core/testing";
import { freePort, startRedis } from "../../../../test/support/redis-server.ts";
import { expect, runCli, test } from "../../test/cli-test.ts";

// Waits for ioredis to come back to a Redis that was away.
test("queue stats --watch says that Redis is away, and goes on when it is back", async () => {
  const port = await freePort();
  let server = await startRedis({ port });
  const clock = manualClock();
  const stopping = new AbortController();
  const seen: string[] = [];
  const watching = runCli(["queue", "stats", "--watch", "--interval=30s", "--json", `--uri=127.0.0.1:${port}`], {
    clock,
    signal: stopping.signal,
    onOutput: (text) => seen.push(text),
  });
  /** Lets time pass until something more was said. */
  const next = async (): Promise<string> => {
    const before = seen.length;
    await expect
      .poll(
        async () => {
          await clock.advance(1_000);
          return seen.length;
        },
        { timeout: 20_000, interval: 20 },
      )
      .toBeGreaterThan(before);
    return seen[before]!;
  };

  await expect.poll(() => seen.length).toBe(1);
  await server.stop();
  expect(await next()).toBe("Redis does not answer; trying again\n");
  server = await startRedis({ port });
  let said = await next();
  while (said.startsWith("Redis does not answer")) said = await next();
  expect(JSON.parse(said)).toMatchObject({ queues: [] });

  stopping.abort();
  expect(await watching).toMatchObject({ code: 0 });
  await server.stop();
});
