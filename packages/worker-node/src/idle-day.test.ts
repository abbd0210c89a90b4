import type { ManualClock } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import { describe, expect, test, turn, until } from "../../../test/support/server-test.ts";
import type { Config } from "./config.ts";

// What it was asked is counted, and that of all databases.
useOwnRedis();

const dayMs = 24 * 3_600_000;
/** Up to the next timer, and a little further: a call is given up after 3 s, and answered between two steps. */
const stepMs = (clock: ManualClock): number => Math.min(dayMs, Math.max(500, clock.nextInMs));

/** As Asynq has them. */
const ownLoops = { delayedTaskCheckIntervalMs: 5_000, recoverIntervalMs: 60_000, janitorIntervalMs: 8_000, repairIntervalMs: 300_000 };

describe("a server that has nothing to do", () => {
  for (const [maintenance, config, most] of [
    ["in cron functions", {}, 5_000],
    ["by its own loops", ownLoops, 15_000],
  ] as const satisfies [string, Config, number][])
    test(`asks Redis for ${most} commands a day at most, with the maintenance ${maintenance}`, { timeout: 120_000 }, async ({
      makeServer,
      redisUrl,
      redis,
      clock,
    }) => {
      const server = makeServer(config, redisUrl);
      await server.start(() => {});
      await until(async () => {
        await clock.advance(20);
        // Time that outruns Redis is a call given up, and begun again.
        await redis.echo("");
        return server.metrics().watching;
      });
      const asked = await counting(redis);

      for (const endMs = clock.nowMs() + dayMs; clock.nowMs() < endMs; ) {
        await clock.advance(Math.min(stepMs(clock), endMs - clock.nowMs()));
        // What came before on the other connections is answered before the second of them.
        for (let i = 0; i < 2; i++) await redis.echo("");
        await turn();
      }

      const { echo: _, config: __, ...commands } = await asked();
      const total = Object.values(commands).reduce((sum, count) => sum + count, 0);
      console.info(`a day of an idle server, maintenance ${maintenance}: ${total} commands`, commands);
      expect(total).toBeLessThanOrEqual(most);
      expect(server.metrics()).toMatchObject({ stateErrors: 0, forwardErrors: 0, janitorErrors: 0, recoverErrors: 0, repairErrors: 0 });
    });
});

/** Counts from now on; answers how often each command was sent since: what Redis counted, less what scripts called. */
async function counting(redis: Redis): Promise<() => Promise<Record<string, number>>> {
  const monitor = await redis.monitor();
  const inScripts: Record<string, number> = {};
  let last = "";
  monitor.on("monitor", (_: string, [command, word]: string[], source: string) => {
    if (source === "lua") inScripts[command!.toLowerCase()] = (inScripts[command!.toLowerCase()] ?? 0) + 1;
    else last = word ?? "";
  });
  await redis.config("RESETSTAT");
  return async () => {
    await redis.echo("the end");
    await until(() => last === "the end");
    monitor.disconnect();
    const stats = (await redis.info("commandstats")).matchAll(/cmdstat_([^:|]+)(?:\|\S+?)?:calls=(\d+)/g);
    const counts: Record<string, number> = {};
    for (const [, command, calls] of stats) counts[command!] = (counts[command!] ?? 0) + Number(calls);
    for (const [command, calls] of Object.entries(inScripts)) counts[command] = counts[command]! - calls;
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  };
}
