import { manualClock } from "@asynqjs/core/testing";
import { describe, expect, test } from "../../test/cli-test.ts";

const at = Date.UTC(2040, 0, 2, 3, 4, 5);

describe("queue stats", () => {
  test("shows all queues, or those that are named, one a line", async ({ cliWith, redis }) => {
    const clock = manualClock(at);
    expect((await cliWith({ clock }, "queue", "stats")).out).toBe("No queues\n");
    await redis.sadd("asynq:queues", "mail", "default");
    await redis.set("asynq:{mail}:paused", 1);

    const { out } = await cliWith({ clock }, "queue", "stats");

    expect(out).toMatch(/^Queue +State +Size +Pending +Active .*Error Rate +\n[- ]+\ndefault +RUN +0 .*\nmail +PAUSED +0 .* N\/A +\n$/);
    expect((await cliWith({ clock }, "queue", "stats", "mail")).out).not.toContain("default");
    expect(await cliWith({ clock }, "queue", "stats", "gone")).toMatchObject({ code: 3, out: "" });
    expect(JSON.parse((await cliWith({ clock }, "queue", "stats", "--json")).out)).toMatchObject([{ queue: "default" }, { queue: "mail" }]);
  });

  test("shows the others beside a queue that cannot be read, and names it", async ({ cli, redis }) => {
    await redis.sadd("asynq:queues", "mail", "odd");
    await redis.set("asynq:{odd}:pending", "not a list");

    const { code, out, err } = await cli("queue", "stats", "--json");

    expect({ code, queues: JSON.parse(out).map(({ queue }: { queue: string }) => queue) }).toEqual({ code: 1, queues: ["mail"] });
    expect(err).toMatch(/^asynqjs: queue "odd": redis refused: WRONGTYPE [^\n]*; see 'asynqjs doctor --deep'\n$/);
  });

  test("shows the others beside one that there is not, with --watch too, which does not wait for none", async ({ cli, cliWith, redis }) => {
    await redis.sadd("asynq:queues", "mail");
    const gone = `asynqjs: queue not found: queue="gone"; see 'asynqjs queue list'\n`;

    const { out, ...rest } = await cli("queue", "stats", "gone", "mail", "--json");
    expect({ ...rest, queues: JSON.parse(out).map(({ queue }: { queue: string }) => queue) }).toEqual({
      code: 3,
      err: gone,
      queues: ["mail"],
    });
    // One that went on would be told to stop.
    const signal = AbortSignal.timeout(2_000);
    expect(await cliWith({ signal }, "queue", "stats", "gone", "--watch")).toEqual({ code: 3, out: "", err: gone });
    expect(signal.aborted).toBe(false);
  });

  test("--watch shows them again and again, until it is told to stop", async ({ cliWith, redis }) => {
    await redis.sadd("asynq:queues", "mail");
    const clock = manualClock(at);
    const stopping = new AbortController();
    const watching = cliWith({ clock, signal: stopping.signal }, "queue", "stats", "--watch", "--interval=30s", "--json");
    for (const id of ["a", "b"]) {
      await expect.poll(() => clock.nextInMs === 30_000).toBe(true);
      await redis.lpush("asynq:{mail}:pending", id);
      await clock.advance(30_000);
    }
    await expect.poll(() => clock.nextInMs === 30_000).toBe(true);
    stopping.abort();

    const { code, out, err } = await watching;

    expect({ code, err }).toEqual({ code: 0, err: "" });
    const seen = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(seen.map(({ at: when, queues: [{ size }] }) => [when, size])).toEqual([
      ["2040-01-02T03:04:05.000Z", 0],
      ["2040-01-02T03:04:35.000Z", 1],
      ["2040-01-02T03:05:05.000Z", 2],
    ]);
  });

  test.for([["--interval=0s"], ["--interval=soon"]])("refuses %s", async ([flag], { cli }) => {
    expect(await cli("queue", "stats", "--watch", flag!)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/^asynqjs: .*--interval.*\n$/),
    });
  });
});
