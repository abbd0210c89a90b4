/** One task's whole life in each of three queues at once; on a Cluster of three masters each queue lives on another one. */
import type { Cluster } from "ioredis";
import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { forward } from "../ticks/forward.ts";
import { recover } from "../ticks/recover.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { dequeue } from "./dequeue.ts";
import { enqueue } from "./enqueue.ts";
import { extendLeases } from "./extend-leases.ts";
import { settle, type TaskOutcome } from "./settle.ts";

/** Their slots are 5718, 15214 and 4247: of the second, third and first master. */
const queues = ["default", "low", "mail"];

describe("three queues at once", () => {
  test.runIf(inject("brokerPort") === "cluster")("live on three masters", async ({ redis }) => {
    const nodes = (redis as unknown as Cluster).nodes("master");
    const slots = await Promise.all(queues.map((queue) => nodes[0]!.cluster("KEYSLOT", `asynq:{${queue}}:pending`)));
    expect(new Set(slots.map((slot) => Math.floor((Number(slot) * 3) / 16_384))).size).toBe(3);
  });

  test("are enqueued to, taken from, extended, settled, recovered and forwarded, each call over all of them", async ({
    broker,
    aTask,
    clock,
    keyspace,
  }) => {
    const enqueued = await enqueue(
      broker,
      queues.flatMap((queue) => [aTask({ queue, taskId: "done" }), aTask({ queue, taskId: "fails" }), aTask({ queue, taskId: "lost" })]),
    );
    expect(enqueued.every(({ verdict }) => verdict === "enqueued")).toBe(true);

    const { tasks } = await dequeue(broker, queues, 9);
    expect(tasks.map(({ queue, id }) => `${queue}/${id}`)).toEqual(
      queues.flatMap((queue) => ["done", "fails", "lost"].map((id) => `${queue}/${id}`)),
    );

    const kept = tasks.filter(({ id }) => id !== "lost");
    expect((await extendLeases(broker, kept, startSec + 60)).every(({ verdict }) => verdict === "extended")).toBe(true);
    const outcomes = kept.map(({ queue, id, token, msg }): TaskOutcome => {
      const held = { queue, id, fence: { token } };
      if (id === "done") return { ...held, to: "done" };
      return { ...held, to: "retry", msg: patchTaskMessage(msg, { retried: 1 }), retryAtSec: startSec + 5, isFailure: true };
    });
    expect((await settle(broker, outcomes)).results.every(({ verdict }) => verdict === "settled")).toBe(true);

    await clock.advance(61_000);
    expect(await recover(broker, { queues })).toMatchObject({ recovered: 3, errors: [] });
    await clock.advance(10_000);
    expect(await forward(broker, { queues })).toMatchObject({ forwarded: 6, errors: [] });

    const space = await keyspace();
    for (const queue of queues) {
      expect(space[`asynq:{${queue}}:pending`]).toHaveLength(2);
      expect(space[`asynq:{${queue}}:active`]).toBeUndefined();
      expect(space[`asynq:{${queue}}:lease`]).toBeUndefined();
    }
    expect(space["asynq:queues"]).toEqual(queues);
  });
});
