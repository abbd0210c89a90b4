import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { Server } from "@asynqjs/worker-node";
import { redisPort } from "@asynqjs/worker-node/redis";
import type { BenchTask, Producer, System } from "../system.ts";

export const asynqjs: System = {
  async makeProducer(port) {
    const redis = redisPort(`redis://127.0.0.1:${port}`);
    const client = new Client({ redis });
    await client.ping();
    return {
      ...enqueueWith(client),
      async close() {
        await client.close();
        await redis.close();
      },
    };
  },
  async startWorker(port, { concurrency, queues, strict, groupSize, handler }) {
    const server = new Server(`redis://127.0.0.1:${port}`, {
      ...{ concurrency, queues, strictPriority: strict, logLevel: "error", retryDelayFunc: () => 0 },
      ...(groupSize === 0
        ? {}
        : {
            groupMaxSize: groupSize,
            groupAggregator: (_: string, tasks: { readonly length: number }) => new Task("bench", String(tasks.length)),
          }),
    });
    await server.start((task) => handler(task.text()));
    return { close: () => server.shutdown() };
  },
};

/** The two ways in of a client. */
export function enqueueWith(client: Client): Required<Pick<Producer, "enqueue" | "enqueueMany">> {
  return {
    enqueue: (task) => client.enqueue(...toTask(task)),
    async enqueueMany(tasks) {
      const outcomes = await client.enqueueMany(
        tasks.map((each) => {
          const [task, options] = toTask(each);
          return { task, options };
        }),
      );
      for (const { error } of outcomes) if (error !== undefined) throw error;
    },
  };
}

function toTask({
  payload,
  queue = "default",
  uniqueForSec,
  group,
}: BenchTask): [Task, { queue: string; uniqueTtlSec?: number; group?: string }] {
  return [
    new Task("bench", payload),
    { queue, ...(uniqueForSec === undefined ? {} : { uniqueTtlSec: uniqueForSec }), ...(group === undefined ? {} : { group }) },
  ];
}
