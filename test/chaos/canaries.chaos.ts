import { Client } from "@asynqjs/client-edge";
import { type EnqueueOptions, Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { startGateway } from "@asynqjs/gateway";
import { Server } from "@asynqjs/worker-node";
import { onTestFinished } from "vitest";
import { httpFaults } from "../support/http-faults.ts";
import { expect, type Lab, test } from "./lab.ts";

/** Does what must fail, and keeps the error. */
async function failing(lab: Lab, act: () => unknown): Promise<void> {
  let error: unknown;
  try {
    await act();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(Error);
  lab.note(error);
}

test("secrets and contents are in no error and no log of whatever goes wrong", async ({ lab }) => {
  const { canaries } = lab;
  const redis = await lab.startRedis();
  const { admin } = redis;
  const gateway = await startGateway({ redis: redis.url, tokens: [canaries["gateway-token"]], port: 0 });
  const faults = await httpFaults(gateway.url);
  onTestFinished(async () => {
    await faults.stop();
    await gateway.close();
  });
  const edge = new Client({ url: faults.url, token: canaries["gateway-token"] });
  const tcp = new Client({ redis: ioredisPort(admin) });
  const task = (options: EnqueueOptions = {}, payload: string = canaries.payload): Task =>
    new Task("chaos", payload, { headers: { secret: canaries.header }, ...options });

  for (const client of [edge, tcp]) {
    await client.enqueue(task({ taskId: `taken-${client === edge}`, uniqueTtlSec: 60 }, `${canaries.payload} ${client === edge}`));
    await failing(lab, () => client.enqueue(task({ taskId: `taken-${client === edge}` })));
    await failing(lab, () => client.enqueue(task({ uniqueTtlSec: 60 }, `${canaries.payload} ${client === edge}`)));
    await failing(lab, () => client.enqueue(task({ maxRetry: 1.5 })));
    await failing(lab, () => client.enqueue(task({ queue: "no {queue}" })));
    await failing(lab, () => client.enqueue(task({ headers: { secret: 1 as unknown as string } })));
    await failing(lab, () => client.enqueue(task({}, canaries.payload.repeat(100_000))));
    await admin.del("asynq:{default}:pending");
    await admin.set("asynq:{default}:pending", "the wrong kind");
    await failing(lab, () => client.enqueue(task()));
    await admin.del("asynq:{default}:pending");
  }
  for (const fault of ["reset", "drop-reply", "half-reply", { status: 500, body: "no" }, { status: 200, body: "[{" }] as const) {
    faults.next(...Array.from({ length: 6 }, () => fault));
    await failing(lab, () => edge.enqueue(task(), {}, { timeoutMs: 1_000 }));
  }
  const wrong = canaries["gateway-token"].replace("canary", "cranny");
  await failing(lab, () => new Client({ url: faults.url, token: wrong }).enqueue(task()));
  await failing(lab, () =>
    new Client({ url: `${faults.url}/${canaries["redis-password"]}?`, token: canaries["gateway-token"] }).enqueue(task()),
  );
  const locked = new Server(redis.url.replace("canary", "cranny"));
  await failing(lab, () => locked.start(() => {}));
  await locked.shutdown();
  await failing(lab, () => new Server(redis.url.replace("redis://", "radish://")));
  await failing(lab, () =>
    startGateway({ redis: `redis://:${canaries["redis-password"]}@[`, tokens: [canaries["gateway-token"]], port: 0 }),
  );

  // Payloads that are no JSON, one message that cannot be read, and a Redis that goes away under them.
  await admin.flushall();
  const worker = await lab.startWorker(redis.url);
  for (const taskId of ["text", "retried", "archived"]) await tcp.enqueue(task({ taskId, maxRetry: taskId === "archived" ? 0 : 1 }));
  await admin.hset("asynq:{default}:t:unreadable", "msg", `\xff${canaries.payload}`, "state", "pending");
  await admin.lpush("asynq:{default}:pending", "unreadable");
  await expect.poll(() => admin.zcard("asynq:{default}:archived")).toBe(3);
  await expect.poll(() => admin.zcard("asynq:{default}:js:quarantine")).toBe(1);
  await redis.restart();
  await tcp.enqueue(task({ taskId: "after" }));
  await expect.poll(() => admin.zcard("asynq:{default}:retry")).toBe(1);
  await worker.end();
});
