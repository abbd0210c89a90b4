/** Waits for Sentinels: to know of each other (2 s), to find a master down (0.5 s), to agree and to make the replica the master. */
import { expect, onTestFinished, test } from "vitest";
import { openPort } from "../support/open-port.ts";
import { type ReplicatedRedis, startReplicated } from "../support/redis-topologies.ts";
import { type Work, workOn } from "./work.ts";

interface Pair extends ReplicatedRedis {
  /** Through the Sentinels. */
  readonly work: Work;
}

/** A master, a replica and Sentinels, with a port that goes through them. */
async function startPair(): Promise<Pair> {
  const redis = await startReplicated();
  const port = openPort("sentinel", { sentinels: redis.sentinels.ports }, { timeoutMs: 30_000 });
  onTestFinished(async () => {
    await port.close();
    await redis.stop();
  });
  return { ...redis, work: workOn(port) };
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Enqueues one after the other until the former replica is the master, and some more; answers the ids. */
async function enqueueUntilMaster({ work, toReplica }: Pair, prefix: string): Promise<string[]> {
  const ids: string[] = [];
  for (let after = 0; after < 10; ) {
    const id = `${prefix}${ids.length}`;
    expect(await work.enqueue(id)).toBe("enqueued");
    ids.push(id);
    if ((await toReplica.role())[0] === "master") after++;
  }
  return ids;
}

test("a master that crashes is replaced by its replica, and work goes on there: every task once, no false conflict", async () => {
  const pair = await startPair();
  const { master, toMaster, toReplica, work } = pair;
  for (const id of names("before", 20)) expect(await work.enqueue(id)).toBe("enqueued");
  expect(await toMaster.wait(1, 10_000)).toBe(1);

  const crashed = master.kill("SIGKILL");
  const during = await enqueueUntilMaster(pair, "during");
  await crashed;

  expect(await toReplica.lrange("asynq:{default}:pending", 0, -1)).toEqual([...names("before", 20), ...during].reverse());
  expect(await work.workOff("default", 100)).toEqual([...names("before", 20), ...during].slice(0, 100));
  while ((await work.workOff()).length > 0);
  expect(await toReplica.get("asynq:{default}:processed")).toBe(String(20 + during.length));
});

test("a master that gives way takes no more once its replica has left it, and work goes on at the new one", async () => {
  const pair = await startPair();
  const { toMaster, toReplica, toSentinel, work } = pair;
  // Else it goes on to answer, for nobody, until Sentinels tell it what it is now.
  await toMaster.config("SET", "min-replicas-to-write", "1");
  expect(await work.enqueue("before")).toBe("enqueued");

  await toSentinel.call("SENTINEL", "FAILOVER", "mymaster");
  const during = await enqueueUntilMaster(pair, "during");

  expect(await work.enqueue("after")).toBe("enqueued");
  const pending = await toReplica.lrange("asynq:{default}:pending", 0, -1);
  const all = ["before", ...during, "after"];
  expect(pending.toReversed()).toEqual(all.filter((id) => pending.includes(id)));
  // Redis answers before it replicates: of calls one after the other, what was answered in the very moment of the change is gone.
  expect(all.length - pending.length).toBeLessThan(3);
  while ((await work.workOff()).length > 0);
  expect(await toReplica.get("asynq:{default}:processed")).toBe(String(pending.length));
});
