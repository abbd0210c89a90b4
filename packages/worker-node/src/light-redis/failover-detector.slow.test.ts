/** Waits for Sentinels: to know of each other (2 s), to find a master down (0.5 s), to agree and to make the replica the master. */
import { parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { expect, onTestFinished, test } from "vitest";
import { startReplicated } from "../../../../test/support/redis-topologies.ts";
import { type SingleRedis, singleWay } from "./single-way.ts";

test("a frozen master is left for the one that Sentinels made of its replica, though nobody asks it anything", async () => {
  const redis = await startReplicated();
  const sentinels = redis.sentinels.ports.map((port) => `127.0.0.1:${port}`).join(",");
  const way = singleWay(parseRedisUri(`redis-sentinel://${sentinels}?master=mymaster`) as SingleRedis, { stays: true });
  onTestFinished(async () => {
    way.close();
    await redis.stop();
  });
  const told: string[] = [];
  way.listen({ onReady: () => told.push("ready"), onClose: () => told.push("close") });
  const port = async (): Promise<string> => {
    const [answer] = await way.write([["CONFIG", "GET", "port"]], { replicas: 0, withinMs: 0 });
    return Buffer.from((answer!.reply as Uint8Array[])[1]!).toString();
  };
  await way.write([], { replicas: 0, withinMs: 0 }).catch(() => {});
  await expect.poll(() => told).toEqual(["ready"]);
  expect(await port()).toBe(String(redis.master.port));

  await redis.master.kill("SIGSTOP");
  await expect.poll(() => told, { timeout: 20_000 }).toEqual(["ready", "close", "ready"]);
  expect(await port()).toBe(String(redis.toReplica.options.port));
});
