import BeeQueue from "bee-queue";
import type { System } from "../system.ts";

/** No events, no memory of jobs, nothing kept: its fastest. */
const settings = { getEvents: false, sendEvents: false, storeJobs: false, removeOnSuccess: true, removeOnFailure: true };

export const beeQueue: System = {
  async makeProducer(redisPort) {
    const queue = new BeeQueue("default", { ...settings, redis: { host: "127.0.0.1", port: redisPort }, isWorker: false });
    await queue.ready();
    return {
      enqueue: ({ payload }) => queue.createJob({ payload }).retries(1).save(),
      async enqueueMany(tasks) {
        const failed = await queue.saveAll(tasks.map(({ payload }) => queue.createJob({ payload }).retries(1)));
        for (const error of failed.values()) throw error;
      },
      close: () => queue.close(),
    };
  },
  async startWorker(redisPort, { concurrency, handler }) {
    const queue = new BeeQueue("default", { ...settings, redis: { host: "127.0.0.1", port: redisPort }, activateDelayedJobs: true });
    await queue.ready();
    queue.process(concurrency, (job: BeeQueue.Job<{ payload: string }>) => handler(job.data.payload));
    return { close: () => queue.close() };
  },
};
