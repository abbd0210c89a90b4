/** Waits for a Cluster to serve (2 s), for its nodes to miss one of them, and for the 3 s after which a server asks no longer for what that one had. */
import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { Server } from "@asynqjs/worker-node";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { openPort } from "../support/open-port.ts";
import { startCluster } from "../support/redis-topologies.ts";

const queues = Array.from({ length: 9 }, (_, i) => `queue${i}`);

test("on a Cluster that serves what it can, the queues of a node that is gone hold up no other", async () => {
  const cluster = await startCluster(3);
  const nodes = cluster.ports.map((port) => new Redis(port).on("error", () => {}));
  for (const node of nodes) await node.config("SET", "cluster-require-full-coverage", "no");
  const port = openPort("cluster", { cluster: cluster.ports });
  const client = new Client({ redis: port });
  const uri = `redis-cluster://${cluster.ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
  const warnings: string[] = [];
  const quiet = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message), error() {} };
  const server = new Server(uri, {
    queues: Object.fromEntries(queues.map((queue) => [queue, 1])),
    logger: quiet,
    concurrency: 5,
    shutdownTimeoutMs: 0,
  });
  const ran: string[] = [];
  await server.start(({ queue }) => void ran.push(queue));
  onTestFinished(async () => {
    await server.shutdown();
    await port.close();
    for (const node of nodes) node.disconnect();
    await cluster.stop();
  });
  const slotOf = async (queue: string): Promise<number> => Number(await nodes[0]!.cluster("KEYSLOT", `{${queue}}`));
  const slots = await Promise.all(queues.map(slotOf));
  const others = queues.filter((_, i) => slots[i]! * 3 < 16_384 * 2);
  expect(others.length).toBeLessThan(queues.length);

  await cluster.kill(2, "SIGKILL");
  await expect.poll(() => warnings, { timeout: 20_000 }).toContain("a queue does not answer; the others are served meanwhile");
  ran.length = 0;
  for (const queue of others) await client.enqueue(new Task("t", "x", { queue }));

  // As long as one fetch may wait for the node, and not as long as the node is gone.
  await expect.poll(() => ran.toSorted(), { timeout: 10_000 }).toEqual(others.toSorted());
});
