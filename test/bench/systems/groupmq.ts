import { Queue, Worker } from "groupmq";
import { Redis } from "ioredis";
import type { System } from "../system.ts";

/** Its groups run one job at a time each: with so many of them no worker waits for one. */
const groups = 1_000;

export const groupmq: System = {
  async makeProducer(redisPort) {
    const redis = new Redis(redisPort, { maxRetriesPerRequest: null });
    const queue = new Queue<{ payload: string }>({ redis, namespace: "default" });
    let count = 0;
    return {
      enqueue: ({ payload }) => queue.add({ groupId: String(count++ % groups), data: { payload }, maxAttempts: 2 }),
      async close() {
        await queue.close();
        redis.disconnect();
      },
    };
  },
  async startWorker(redisPort, { concurrency, handler }) {
    const redis = new Redis(redisPort, { maxRetriesPerRequest: null });
    const queue = new Queue<{ payload: string }>({ redis, namespace: "default" });
    const worker = new Worker({ queue, concurrency, backoff: () => 0, handler: (job) => handler(job.data.payload) });
    void worker.run();
    return {
      async close() {
        await worker.close();
        redis.disconnect();
      },
    };
  },
};
