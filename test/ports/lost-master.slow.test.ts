/**
 * Waits for Sentinels: to know of each other (2 s), to find a master down (0.5 s), to agree, to make the replica the master, and, where the
 * former one wakes up, for the 8 s after which they make that a replica.
 */
import { type Durability, durableRedis, RedisError } from "@asynqjs/core";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { openPort } from "../support/open-port.ts";
import { startRedis } from "../support/redis-server.ts";
import { type ReplicatedRedis, startReplicated } from "../support/redis-topologies.ts";
import { type Work, workOn } from "./work.ts";

const inFlight = 50;

interface Tally {
  readonly acknowledged: string[];
  /** Their calls were given up without an answer: the tasks may be there, or not. */
  readonly unknown: string[];
  readonly lost: string[];
  /** From the signal until a task was acknowledged that was begun when the replica was the master, and is there. */
  readonly resumedAfterSec: number;
}

/** Enqueues with so many calls under way while the master is lost, until work went on for a while on the one that took its place. */
async function enqueueOver(tier: Durability, loseMaster: (redis: ReplicatedRedis) => Promise<void>): Promise<Tally> {
  const redis = await startReplicated();
  const port = openPort("sentinel", { sentinels: redis.sentinels.ports }, { timeoutMs: 60_000 });
  onTestFinished(async () => {
    await port.close();
    await redis.stop();
  });
  const work = workOn(durableRedis(port, { tier }));
  const producer = produce(work);
  await expect.poll(() => producer.acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(1_000);

  const lostAtMs = performance.now();
  await loseMaster(redis);
  const from = producer.begun();
  const onNewMaster = async (): Promise<number> => {
    const later = producer.acknowledged.findLast((id) => Number(id) >= from);
    return later === undefined ? 0 : redis.toReplica.exists(`asynq:{default}:t:${later}`);
  };
  await expect.poll(onNewMaster, { timeout: 60_000, interval: 20 }).toBe(1);
  const resumedAfterSec = (performance.now() - lostAtMs) / 1_000;
  const resumed = producer.acknowledged.length;
  await expect.poll(() => producer.acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(resumed + 1_000);
  await producer.stop();

  const { acknowledged, unknown } = producer;
  expect((await redis.toReplica.role())[0]).toBe("master");
  const there = new Set(await redis.toReplica.lrange("asynq:{default}:pending", 0, -1));
  expect(await redis.toReplica.llen("asynq:{default}:pending")).toBe(there.size);
  return { acknowledged, unknown, lost: acknowledged.filter((id) => !there.has(id)), resumedAfterSec };
}

interface Producer extends Pick<Tally, "acknowledged" | "unknown"> {
  /** How many calls were begun; the ids are their numbers. */
  begun(): number;
  stop(): Promise<void>;
}

function produce(work: Work): Producer {
  const acknowledged: string[] = [];
  const unknown: string[] = [];
  let count = 0;
  let stopped = false;
  const lines = Array.from({ length: inFlight }, async () => {
    while (!stopped) {
      const id = String(count++);
      try {
        expect(await work.enqueue(id)).toBe("enqueued");
        acknowledged.push(id);
      } catch (error) {
        if (!(error instanceof RedisError && error.delivered === "unknown")) throw error;
        unknown.push(id);
      }
    }
  });
  return {
    acknowledged,
    unknown,
    begun: () => count,
    async stop() {
      stopped = true;
      await Promise.all(lines);
    },
  };
}

/** Resolves when the failover is done. Then the Sentinels are made patient: on a busy machine they would soon take the new master for dead. */
async function replicaIsMaster({ toReplica, sentinels }: ReplicatedRedis): Promise<void> {
  await expect.poll(() => toReplica.role().then(([role]) => role), { timeout: 20_000, interval: 10 }).toBe("master");
  for (const port of sentinels.ports) {
    const sentinel = new Redis(port);
    await sentinel.call("SENTINEL", "SET", "mymaster", "down-after-milliseconds", "60000");
    sentinel.disconnect();
  }
}

/** How a master is lost: frozen, to wake up with our connections still open and itself still the master; or crashed, and started again. */
const losses: Record<string, (redis: ReplicatedRedis) => Promise<void>> = {
  async "is frozen until the replica is the master"(redis) {
    await redis.master.kill("SIGSTOP");
    await replicaIsMaster(redis);
    await redis.master.kill("SIGCONT");
  },
  async "crashes, and comes back as the replica"(redis) {
    await redis.master.kill("SIGKILL");
    await replicaIsMaster(redis);
    const { port } = new URL(`redis://${redis.toReplica.options.host}:${redis.toReplica.options.port}`);
    const back = await startRedis({ port: redis.master.port, args: ["--replicaof", "127.0.0.1", port] });
    onTestFinished(() => back.stop());
  },
};

test.for(Object.keys(losses))("at the tier replicated a master that %s loses nothing that was acknowledged", async (how) => {
  const { acknowledged, unknown, lost, resumedAfterSec } = await enqueueOver("replicated", losses[how]!);
  print("replicated", how, { acknowledged, unknown, lost, resumedAfterSec });
  expect(lost).toEqual([]);
});

test.for(Object.keys(losses))("at the tier none work goes on after a master that %s, whatever was lost with it", async (how) => {
  print("none", how, await enqueueOver("none", losses[how]!));
});

function print(tier: Durability, how: string, { acknowledged, unknown, lost, resumedAfterSec }: Tally): void {
  console.log(
    `${tier}, a master that ${how}: ${acknowledged.length} acknowledged, ${lost.length} of them lost, ${unknown.length} unknown, work went on after ${resumedAfterSec.toFixed(1)} s`,
  );
}
