/**
 * Waits for Sentinels: to know of each other (2 s), to find a master down (0.5 s), to agree and to make the replica the master; and for
 * a connection to give up a Sentinel that says nothing (2 s).
 */
import { ioredisSettings } from "@asynqjs/core/redis/ioredis";
import { startGateway } from "@asynqjs/gateway";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { openPort } from "../support/open-port.ts";
import { type ReplicatedRedis, startReplicated } from "../support/redis-topologies.ts";
import { type TcpFaults, tcpFaults } from "../support/tcp-faults.ts";
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

interface Ways {
  readonly redis: ReplicatedRedis;
  /** Each leads to one of the Sentinels; the port takes no other way to them. */
  readonly ways: readonly TcpFaults[];
  readonly work: Work;
  /** How often the Sentinels were asked where the master is. */
  asked(): number;
}

async function startWays(kind: "sentinel" | "ioredis-sentinel" | "fetch"): Promise<Ways> {
  const redis = await startReplicated();
  const ways = await Promise.all(redis.sentinels.ports.map((port) => tcpFaults({ port })));
  const detours = new Map(redis.sentinels.ports.map((port, i) => [port, ways[i]!.port]));
  const sentinels = ways.map(({ port }) => port);
  const gateway = kind === "fetch" ? await startGateway({ redis: settingsFor(sentinels, detours), tokens: [token], port: 0 }) : undefined;
  const at = gateway === undefined ? { sentinels, detours } : { gateway: { url: gateway.url, token } };
  const port = openPort(kind, at, { timeoutMs: 30_000 });
  onTestFinished(async () => {
    await port.close();
    await gateway?.close();
    for (const way of ways) await way.stop();
    await redis.stop();
  });
  const asked = (): number => ways.flatMap(({ requests }) => requests).filter((request) => request.includes(whereIsIt)).length;
  return { redis, ways, work: workOn(port), asked };
}

const token = "a-token-that-only-this-test-knows";

/** A client that never connects, for its settings. */
function settingsFor(sentinels: readonly number[], detours: ReadonlyMap<number, number>): Redis {
  const local = (port: number): { host: string; port: number } => ({ host: "127.0.0.1", port });
  const { options } = ioredisSettings({ kind: "sentinel", sentinels: sentinels.map(local), master: "mymaster" });
  const natMap = Object.fromEntries(Array.from(detours, ([from, to]) => [`127.0.0.1:${from}`, local(to)]));
  return new Redis({ ...options, natMap, lazyConnect: true });
}

/** As a client does that a gateway tells at once that Redis is away. */
async function enqueueInTheEnd(work: Work, id: string): Promise<string> {
  const untilMs = performance.now() + 30_000;
  for (;;) {
    try {
      return await work.enqueue(id);
    } catch (error) {
      if (performance.now() > untilMs) throw error;
    }
  }
}

/** What a client asks a Sentinel. */
const whereIsIt = "get-master-addr-by-name";

test.for(["sentinel", "ioredis-sentinel", "fetch"] as const)(
  "a client that asks for its master in the very moment in which Sentinels replace it finds the new one, on the port %s",
  async (kind) => {
    const { redis, ways, work, asked } = await startWays(kind);
    expect(await work.enqueue("before")).toBe("enqueued");
    const told = new Promise((resolve) => redis.toSentinel.once("message", resolve));
    await redis.toSentinel.subscribe("+switch-master");
    const askedBefore = asked();

    const letGo = ways.map((way) => way.hold(whereIsIt));
    await redis.master.kill("SIGKILL");
    const during = enqueueInTheEnd(work, "during");
    await expect.poll(asked, { timeout: 5_000 }).toBeGreaterThan(askedBefore);
    await told;
    // The client hears it from all three, on connections of its own.
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const go of letGo) go();

    expect(await during).toBe("enqueued");
    expect(await redis.toReplica.exists("asynq:{default}:t:during")).toBe(1);
  },
);

test.for(["sentinel", "ioredis-sentinel"] as const)(
  "a client asks the next Sentinel when the first one lets it in and then answers no more, on the port %s",
  async (kind) => {
    const { redis, ways, work, asked } = await startWays(kind);
    expect(await work.enqueue("before")).toBe("enqueued");
    const askedBefore = asked();

    ways[0]!.hold(whereIsIt);
    await redis.toMaster.call("CLIENT", "KILL", "TYPE", "normal");

    expect(await work.enqueue("after")).toBe("enqueued");
    expect(asked()).toBe(askedBefore + 2);
  },
);
