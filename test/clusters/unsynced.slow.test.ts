/**
 * What no tier closes, and what does: constructed, so that docs/guarantees.md says no more than is true. Waits for Redis to replicate, and
 * for Sentinels: to know of each other (2 s), to find a master down (0.5 s), to agree and to make the replica the master.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { durableRedis } from "@asynqjs/core";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { workOn } from "../ports/work.ts";
import { openPort } from "../support/open-port.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { startCluster, startSentinels } from "../support/redis-topologies.ts";

interface Instance {
  readonly server: RedisServer;
  readonly client: Redis;
}

async function start(...args: string[]): Promise<Instance> {
  const server = await startRedis({ args: ["--repl-diskless-sync-delay", "0", ...args] });
  const client = new Redis(server.port).on("error", () => {});
  onTestFinished(async () => {
    client.disconnect();
    await server.stop();
  });
  return { server, client };
}

async function startReplicaOf({ server }: Instance): Promise<Instance> {
  const replica = await start("--replicaof", "127.0.0.1", String(server.port));
  await inStep(replica);
  return replica;
}

async function inStep({ client }: Instance): Promise<void> {
  await expect.poll(() => client.info("replication"), { timeout: 20_000 }).toContain("master_link_status:up");
}

/** What keeps a master from acknowledging what its successor will not have. */
interface Precaution {
  readonly replicas?: number;
  readonly tell?: (master: Redis) => Promise<unknown>;
}

const precautions: Record<string, Precaution> = {
  "of no replica but one": {},
  "of all replicas": { replicas: 2 },
  "of one, where the master wants all of them (min-replicas-to-write)": {
    tell: (master) => master.config("SET", "min-replicas-to-write", "2"),
  },
  "of one, where its writes were paused before": { tell: (master) => master.call("CLIENT", "PAUSE", "60000", "WRITE") as Promise<unknown> },
};

test.for(Object.entries(precautions))(
  "a replica takes over while the master is well, which goes on to acknowledge with the word %s",
  async ([how, { replicas, tell }]) => {
    const master = await start();
    const successor = await startReplicaOf(master);
    const other = await startReplicaOf(master);
    const port = openPort("redis", { port: master.server.port }, { timeoutMs: 1_500, tryTimeoutMs: 500 });
    onTestFinished(() => port.close());
    const work = workOn(durableRedis(port, { tier: "replicated", replicas }));
    expect(await work.enqueue("before")).toBe("enqueued");
    await expect.poll(() => successor.client.exists("asynq:{default}:t:before")).toBe(1);
    await tell?.(master.client);

    // What Sentinel does first: only then it turns to the others.
    await successor.client.replicaof("NO", "ONE");
    const answer = await work.enqueue("late").catch(({ code }: { code: string }) => code);
    for (const { client } of [other, master]) await client.replicaof("127.0.0.1", successor.server.port);
    for (const one of [other, master]) await inStep(one);

    expect(await successor.client.lrange("asynq:{default}:pending", 0, -1)).toEqual(["before"]);
    expect(answer).toBe(how === "of no replica but one" ? "enqueued" : "REDIS");
  },
);

test.for([
  ["empty", "no", []],
  ["with what it had on its disk", "yes", ["task2", "task1", "task0"]],
] as const)("a crashed master that comes back %s is made the master again, before it is in step", async ([, appendonly, expected]) => {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-unsynced-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  // Not everysec: a master whose disk is busy puts its writes off for up to two seconds.
  const kept = ["--dir", dir, "--appendonly", appendonly, "--appendfsync", "always"];
  const first = await start(...kept);
  const second = await startReplicaOf(first);
  const sentinels = await startSentinels(first.server);
  const asked = new Redis(sentinels.ports[0]!);
  const port = openPort("sentinel", { sentinels: sentinels.ports });
  onTestFinished(async () => {
    await port.close();
    asked.disconnect();
    await sentinels.stop();
  });
  const factsOf = async (...words: string[]): Promise<string> => String(await asked.call("SENTINEL", ...words));
  const isMaster = ({ server }: Instance) =>
    expect.poll(() => factsOf("GET-MASTER-ADDR-BY-NAME", "mymaster"), { timeout: 30_000 }).toBe(`127.0.0.1,${server.port}`);
  await expect.poll(() => factsOf("MASTER", "mymaster"), { timeout: 20_000 }).toMatch(/num-slaves,1,num-other-sentinels,2/);
  const work = workOn(durableRedis(port, { tier: "replicated" }));
  for (let i = 0; i < 3; i++) expect(await work.enqueue(`task${i}`)).toBe("enqueued");

  await first.server.kill("SIGKILL");
  await isMaster(second);
  // As long as a large one takes to be sent.
  await second.client.config("SET", "repl-diskless-sync-delay", "600");
  const back = await startRedis({ port: first.server.port, args: [...kept, "--replicaof", "127.0.0.1", String(second.server.port)] });
  onTestFinished(() => back.stop());
  await expect.poll(() => factsOf("REPLICAS", "mymaster"), { timeout: 20_000 }).toMatch(/flags,slave,.*role-reported,slave/);
  await second.server.kill("SIGKILL");
  await isMaster(first);

  expect(await first.client.lrange("asynq:{default}:pending", 0, -1)).toEqual(expected);
});

test("a master of a Cluster that comes back empty before it was missed is the master still, and its replica empties itself", async () => {
  const cluster = await startCluster(3, { replicas: 1 });
  const port = openPort("cluster", { cluster: cluster.ports });
  onTestFinished(async () => {
    await port.close();
    await cluster.stop();
  });
  const work = workOn(durableRedis(port, { tier: "replicated" }));
  // The second one has its slot.
  expect(await work.enqueue("task0")).toBe("enqueued");
  for (const each of cluster.ports) {
    const node = new Redis(each);
    await node.config("SET", "cluster-node-timeout", "60000");
    node.disconnect();
  }

  await cluster.restart(1);

  await expect.poll(() => work.workOff(), { timeout: 20_000 }).toEqual([]);
  await expect.poll(() => work.enqueue("task0").catch(String), { timeout: 20_000 }).toBe("enqueued");
});
