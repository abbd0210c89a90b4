import { dequeue, enqueue, extendLeases, type RedisPort, writeServerState } from "@asynqjs/core";
import { parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { type FaultyRedis, faultyRedis } from "@asynqjs/core/testing";
import { describe, inject } from "vitest";
import { test as brokerTest, expect, startSec } from "../../../../test/support/broker-test.ts";
import type { Whereabouts } from "../../../../test/support/open-port.ts";
import { portContract } from "../../../../test/support/port-contract.ts";
import { lightPort } from "./light-port.ts";

/** The port of the heartbeat thread. It goes where nodes of a Cluster say, and no detour. */
function openLight({ port, db, cluster }: Whereabouts): RedisPort {
  if (cluster === undefined) return lightPort(parseRedisUri(`redis://127.0.0.1:${port}/${db}`));
  return lightPort(parseRedisUri(`redis-cluster://${cluster.map((each) => `127.0.0.1:${each}`).join(",")}`));
}

const test = brokerTest.extend<{ light: RedisPort; port: FaultyRedis }>({
  light: async ({ at }, use) => {
    const light = openLight(at);
    await use(light);
    await light.close();
  },
  port: async ({ light }, use) => use(faultyRedis(light)),
});

// To one Redis it is the port of every broker suite.
if (inject("brokerPort") === "cluster") portContract(test, { lossy: false });

describe("a light port", () => {
  test("extends leases of many queues at once, wherever they live, and tells which are another's", async ({ broker, aTask, redis }) => {
    const queues = ["a", "b", "c", "d", "e"];
    await enqueue(
      broker,
      queues.flatMap((queue) => [aTask({ queue, taskId: "1" }), aTask({ queue, taskId: "2" })]),
    );
    const { tasks } = await dequeue(broker, queues, 10);
    expect(tasks).toHaveLength(10);
    await redis.zadd("asynq:{c}:lease", startSec + 30, "1");

    const results = await extendLeases(broker, tasks, startSec + 60);

    for (const [i, { queue, id, token }] of tasks.entries()) {
      const lost = queue === "c" && id === "1";
      expect(results[i]).toEqual({ verdict: lost ? "lease-lost" : "extended" });
      const score = lost ? startSec + 30 : startSec + 60 + token / 2 ** 20;
      expect(Number(await redis.zscore(`asynq:{${queue}}:lease`, id))).toBe(score);
    }
  });

  test("tells of a server, whose keys live in three places", async ({ broker, redis }) => {
    const server = { host: "h", pid: 1, serverId: "s" };
    const info = Uint8Array.of(1);

    await writeServerState(broker, { ...server, info, workers: [{ taskId: "a", info }] }, { nowSec: startSec, ttlSec: 10 });

    expect(await redis.zscore("asynq:servers", "asynq:servers:{h:1:s}")).toBe(String(startSec + 10));
    expect(await redis.zscore("asynq:workers", "asynq:workers:{h:1:s}")).toBe(String(startSec + 10));
    expect(await redis.getBuffer("asynq:servers:{h:1:s}")).toEqual(Buffer.from(info));
    expect(await redis.hgetallBuffer("asynq:workers:{h:1:s}")).toEqual({ a: Buffer.from(info) });
  });

  test("sends what is repeated as the same call, when the answer was lost", async ({ broker, port, seedPending, redis }) => {
    await seedPending("1");
    const { tasks } = await dequeue(broker, ["default"], 1);
    port.dropReply();
    await expect(extendLeases(broker, tasks, startSec + 60)).rejects.toMatchObject({ delivered: "unknown" });

    await port.send(port.sent.at(-1)!);

    expect(Math.floor(Number(await redis.zscore("asynq:{default}:lease", "1")))).toBe(startSec + 60);
  });

  test("ends every call and connection when it is closed", async ({ light, redis }) => {
    await light.send([["PING"]]);
    await light.close();
    await light.close();

    await expect(light.send([["PING"]])).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
    expect(await redis.ping()).toBe("PONG");
  });
});
