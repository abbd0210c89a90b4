/** Waits for Redis: to start again, and, on a Cluster, for the two seconds in which a node that came back serves nothing. */
import { startGateway } from "@asynqjs/gateway";
import { expect, onTestFinished, test } from "vitest";
import { openPort, type PortKind, type Whereabouts } from "../support/open-port.ts";
import { startRedis } from "../support/redis-server.ts";
import { startCluster, startSentinels } from "../support/redis-topologies.ts";
import { workOn } from "./work.ts";

interface Servers {
  readonly at: Whereabouts;
  /** Crashes what holds the queue `default` and starts it again, its keys and scripts gone. */
  restart(): Promise<void>;
}

async function startServers(kind: PortKind): Promise<Servers> {
  if (kind === "cluster") {
    const cluster = await startCluster(3);
    onTestFinished(() => cluster.stop());
    // The second one has slot 5718.
    return { at: { cluster: cluster.ports }, restart: () => cluster.restart(1) };
  }
  let redis = await startRedis();
  const { port } = redis;
  onTestFinished(() => redis.stop());
  const restart = async (): Promise<void> => {
    await redis.stop();
    redis = await startRedis({ port });
  };
  if (kind === "sentinel" || kind === "ioredis-sentinel") {
    const sentinels = await startSentinels({ port });
    onTestFinished(() => sentinels.stop());
    return { at: { sentinels: sentinels.ports }, restart };
  }
  const token = "a-token-that-only-this-test-knows";
  const gateway = await startGateway({ redis: redis.url, tokens: [token], port: 0 });
  onTestFinished(() => gateway.close());
  return { at: { port, gateway: { url: gateway.url, token } }, restart };
}

test.for<PortKind>(["redis", "sentinel", "ioredis", "ioredis-sentinel", "cluster", "fetch", "upstash", "replaying"])(
  "work on the port %s goes on when its server was started again, what was sent meanwhile included",
  async (kind) => {
    const { at, restart } = await startServers(kind);
    const port = openPort(kind, at, { timeoutMs: 30_000 });
    onTestFinished(() => port.close());
    const work = workOn(port);
    expect(await work.enqueue("before")).toBe("enqueued");
    expect(await work.workOff()).toEqual(["before"]);

    const restarted = restart();
    const meanwhile = Promise.all([restarted, work.enqueue("meanwhile")]);

    expect(await meanwhile).toEqual([undefined, "enqueued"]);
    expect(await work.workOff()).toEqual(["meanwhile"]);
    expect(await work.enqueue("after")).toBe("enqueued");
    expect(await work.workOff()).toEqual(["after"]);
  },
);
