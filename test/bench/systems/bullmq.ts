import { Queue, Worker } from "bullmq";
import type { BenchTask, System } from "../system.ts";

/** Jobs that are over are removed, as Asynq does. */
const defaultJobOptions = { removeOnComplete: true, removeOnFail: true, attempts: 2 };

export const bullmq: System = {
  async makeProducer(redisPort) {
    const queues = new Map<string, Queue>();
    const queueOf = ({ queue = "default" }: BenchTask): Queue => {
      const known = queues.get(queue);
      if (known !== undefined) return known;
      const made = new Queue(queue, { connection: { host: "127.0.0.1", port: redisPort }, defaultJobOptions });
      queues.set(queue, made);
      return made;
    };
    await queueOf({ payload: "" }).waitUntilReady();
    return {
      enqueue: (task) => queueOf(task).add("bench", { payload: task.payload }, optionsOf(task)),
      enqueueMany: (tasks) =>
        queueOf(tasks[0]!).addBulk(tasks.map((task) => ({ name: "bench", data: { payload: task.payload }, opts: optionsOf(task) }))),
      async close() {
        await Promise.all([...queues.values()].map((queue) => queue.close()));
      },
    };
  },
  async startWorker(redisPort, { concurrency, queues, handler }) {
    const workers = Object.keys(queues).map(
      (queue) => new Worker(queue, (job) => handler(job.data.payload), { connection: { host: "127.0.0.1", port: redisPort }, concurrency }),
    );
    for (const worker of workers) {
      worker.on("error", (error) => console.error(error));
      await worker.waitUntilReady();
    }
    return {
      async close() {
        await Promise.all(workers.map((worker) => worker.close()));
      },
    };
  },
};

function optionsOf({ payload, uniqueForSec }: BenchTask): { deduplication?: { id: string; ttl: number } } {
  return uniqueForSec === undefined ? {} : { deduplication: { id: payload, ttl: uniqueForSec * 1000 } };
}
