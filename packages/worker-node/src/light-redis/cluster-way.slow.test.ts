import { keySlot, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { startCluster } from "../../../../test/support/redis-topologies.ts";
import { tcpFaults } from "../../../../test/support/tcp-faults.ts";
import { lightPort } from "./light-port.ts";

// Waits for Redis: a new Cluster serves nothing for its first two seconds.
test("a command follows a slot that is moving (ASK) and has moved (MOVED), and goes there at once the next time", async () => {
  const cluster = await startCluster(3);
  const nodes = cluster.ports.map((port) => new Redis(port));
  const ids = await Promise.all(nodes.map(async (node) => String(await node.cluster("MYID"))));
  const key = "{moving}k";
  const slot = keySlot(Buffer.from(key));
  const from = Math.floor((slot * 3) / 16_384);
  const to = (from + 1) % 3;
  const port = lightPort(parseRedisUri(`redis-cluster://127.0.0.1:${cluster.ports[from]}`));
  const get = async (): Promise<string | undefined> => {
    const [result] = await port.send([["GET", key]]);
    return result!.error?.message ?? (result!.reply as Uint8Array | null)?.toString();
  };
  // The answer of a script shows that ASKING goes right before its command, among others.
  const set = (value: string) =>
    port.send([["PING"], ["EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", "1", key, value], ["SET", "elsewhere", "x"]]);
  expect(await get()).toBeUndefined();

  await nodes[to]!.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]!);
  await nodes[from]!.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]!);
  expect((await set("asked")).map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
  expect(await get()).toBe("asked");
  expect(await nodes[from]!.exists(key).catch((error: Error) => error.message)).toMatch(/^ASK /);

  for (const node of [to, from]) await nodes[node]!.call("CLUSTER", "SETSLOT", slot, "NODE", ids[to]!);
  expect(await get()).toBe("asked");
  expect((await set("moved")).map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
  expect(await nodes[to]!.get(key)).toBe("moved");
  const redirected = async (): Promise<number> =>
    Number(/errorstat_MOVED:count=(\d+)/.exec(await nodes[from]!.info("errorstats"))?.[1] ?? 0);
  const before = await redirected();
  expect(before).toBeGreaterThan(0);
  await set("again");
  expect(await redirected()).toBe(before);

  await port.close();
  for (const node of nodes) node.disconnect();
  await cluster.stop();
});

// Waits two seconds of real time: so long a node may take to answer on a socket.
test("asks for the slots again when the node that was asked lets it in and then answers no more", async () => {
  const cluster = await startCluster(3);
  const silent = await tcpFaults({ port: cluster.ports[0]! });
  silent.next("hold-reply", "SLOTS");
  const port = lightPort(parseRedisUri(`redis-cluster://127.0.0.1:${silent.port}`));

  expect(await port.send([["SET", "k", "v"]])).toEqual([{ reply: Buffer.from("OK") }]);

  expect(silent.requests.filter((request) => request.includes("SLOTS"))).toHaveLength(2);
  await port.close();
  await silent.stop();
  await cluster.stop();
});
