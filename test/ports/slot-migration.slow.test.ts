/** Waits for a Cluster: two seconds for it to serve, and for its nodes to tell each other who has a slot now. */
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { openPort } from "../support/open-port.ts";
import { startCluster } from "../support/redis-topologies.ts";
import { workOn } from "./work.ts";

/** What a client is told of a slot that moves; Redis counts how often it said so. */
const redirections = ["MOVED", "ASK", "TRYAGAIN"] as const;

async function countRedirections(nodes: readonly Redis[]): Promise<Record<string, number>> {
  const counts = Object.fromEntries(redirections.map((word) => [word, 0]));
  for (const node of nodes)
    for (const [, word, count] of (await node.info("errorstats")).matchAll(/errorstat_(\w+):count=(\d+)/g))
      if (word! in counts) counts[word!]! += Number(count);
  return counts;
}

/** Moves a slot with all its keys from one node to another, key by key, as `redis-cli --cluster reshard` does. */
async function migrateSlot(slot: number, from: Redis, to: Redis, others: readonly Redis[]): Promise<void> {
  const [fromId, toId] = [String(await from.cluster("MYID")), String(await to.cluster("MYID"))];
  await to.cluster("SETSLOT", slot, "IMPORTING", fromId);
  await from.cluster("SETSLOT", slot, "MIGRATING", toId);
  for (;;) {
    const keys = (await from.cluster("GETKEYSINSLOT", slot, 1)) as string[];
    if (keys.length === 0) break;
    await from.call("MIGRATE", "127.0.0.1", to.options.port!, "", 0, 5_000, "KEYS", ...keys);
  }
  for (const node of [to, from, ...others]) await node.cluster("SETSLOT", slot, "NODE", toId);
}

test("work goes on while its queue's slot moves to another master and back: every task once, no false conflict", async () => {
  const cluster = await startCluster(3);
  const nodes = cluster.ports.map((port) => new Redis(port));
  const port = openPort("cluster", { cluster: cluster.ports }, { timeoutMs: 30_000 });
  onTestFinished(async () => {
    await port.close();
    for (const node of nodes) node.disconnect();
    await cluster.stop();
  });
  const [first, second, third] = nodes as [Redis, Redis, Redis];
  const slot = Number(await first.cluster("KEYSLOT", "asynq:{default}:pending"));
  const work = workOn(port);
  const enqueued: string[] = [];
  const done: string[] = [];
  let moving = true;
  const produce = async (): Promise<void> => {
    for (let after = 0; after < 10; after += moving ? 0 : 1) {
      const id = `task${enqueued.length}`;
      expect(await work.enqueue(id)).toBe("enqueued");
      enqueued.push(id);
    }
  };
  const consume = async (): Promise<void> => {
    for (let empty = 0; empty < 3; ) {
      const ids = await work.workOff("default", 3);
      done.push(...ids);
      if (!moving && ids.length === 0) empty++;
    }
  };
  for (let i = 0; i < 300; i++) expect(await work.enqueue(`waiting${i}`)).toBe("enqueued");

  const producing = produce();
  const consuming = consume();
  await migrateSlot(slot, second, third, [first]);
  await migrateSlot(slot, third, first, [second]);
  moving = false;
  await producing;
  await consuming;

  expect(done.filter((id) => id.startsWith("task")).sort()).toEqual([...enqueued].sort());
  expect(done.length).toBe(300 + enqueued.length);
  expect(new Set(done).size).toBe(done.length);
  expect(Number(await first.get("asynq:{default}:processed"))).toBe(done.length);
  expect(await first.keys("asynq:{default}:t:*")).toEqual([]);
  const met = await countRedirections(nodes);
  for (const word of redirections) expect(met[word], word).toBeGreaterThan(0);
}, 30_000);
