/** In a worker thread: a recoverer that needs nothing of the main thread, and takes back what has no lease at once, without Asynq's 30 s. */
import { parentPort, workerData } from "node:worker_threads";
import { makeBroker, recover, recoverAfterSec, systemClock, systemRandom } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";

/** What such a recoverer needs to know. */
export interface RecoverBeside {
  readonly redisUrl: string;
  readonly queue: string;
  /** How long it goes on; then it posts how many it took back. */
  readonly forMs: number;
}

const { redisUrl, queue, forMs } = workerData as RecoverBeside;
const redis = new Redis(redisUrl);
await redis.ping();
parentPort!.postMessage("ready");
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + recoverAfterSec * 1000 };
const broker = makeBroker({ redis: ioredisPort(redis), clock, random: systemRandom });
const { recovered } = await recover(broker, { queues: [queue], everyMs: 100, budgetMs: forMs });
redis.disconnect();
parentPort!.postMessage(recovered);
