import { composeTask, enqueue, makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { Cluster, Redis } from "ioredis";
import { startRedis } from "../../../test/support/redis-server.ts";
import { startCluster } from "../../../test/support/redis-topologies.ts";
import { expect, roundTrip, test, until } from "../../../test/support/server-test.ts";

// Waits for Redis: a new Cluster serves nothing for its first two seconds.
test("a server connects to a Cluster, each queue in its own slot", async () => {
  const node = await startCluster();
  const client = new Cluster([{ host: "127.0.0.1", port: node.port }]);

  expect(await roundTrip(`redis-cluster://127.0.0.1:${node.port}`, client)).toBe("default: hello");
  expect(await roundTrip(`redis-cluster://127.0.0.1:${node.port}`, client, { queue: "other" })).toBe("other: hello");
  expect(await roundTrip(client, client, { queue: "other" })).toBe("other: hello");

  client.disconnect();
  await node.stop();
});

// Waits for the machine: Redis to start again, ioredis to come back.
test("a server outlives its Redis, and works on when it is back", async ({ log, makeServer }) => {
  const first = await startRedis();
  const ran: string[] = [];
  const server = makeServer({ clock: systemClock, taskCheckIntervalMs: 50, logLevel: "warn" }, `redis://127.0.0.1:${first.port}`);
  await server.start(({ id }) => void ran.push(id));
  await first.kill("SIGKILL");
  await until(() => log.length > 0);
  await first.stop();

  const second = await startRedis({ port: first.port });
  const client = new Redis(second.port);
  const parts = { clock: systemClock, random: systemRandom };
  const broker = makeBroker({ redis: ioredisPort(client), ...parts });
  await enqueue(broker, [composeTask(new Task("t", undefined, { taskId: "a" }), {}, parts)]);
  await until(() => server.metrics().done === 1);

  expect(ran).toEqual(["a"]);
  await server.shutdown();
  client.disconnect();
  await second.stop();
});
