import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { type Broker, type Clock, clearSchedulerHistory, makeBroker, queuePrefix, systemRandom } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { startGateway } from "@asynqjs/gateway";
import { Redis } from "ioredis";
import { useRedis } from "../test/support/redis-server.ts";
import { type Child, startChild } from "./child-process.ts";
import { addWork, type CronWork, noWork } from "./cron-work.ts";
import { addReportEntry, removeReportEntry } from "./report-entry.ts";
import { queues, reportEntryId } from "./shop.ts";
import { shopClock } from "./shop-clock.ts";
import type { CronMessage, WorkersReady } from "./worker/messages.ts";
import type { RunMessage, WorkerMessage } from "./worker-node/messages.ts";

/** Everything that runs. */
export interface Shop {
  /** Where the edge Worker takes requests. */
  readonly url: string;
  /** Where Redis is, without a password. */
  readonly redisUrl: string;
  readonly redis: Redis;
  /** By which all go. */
  readonly clock: Clock;
  /** On that Redis, by that clock. */
  readonly broker: Broker;
  /** The Node worker, the last one if there were several. */
  readonly worker: Child<unknown>;
  /** What the cron Worker did by now. */
  readonly cronWork: CronWork;
  /** Starts another Node worker, when the first one is gone. */
  startWorker(): Promise<void>;
  /** Ends all in the order that lets each finish what it has. May be repeated. */
  close(): Promise<void>;
}

export interface ShopOptions {
  readonly outDir: string;
  readonly signal: AbortSignal;
  /** Told of each part as it is there. */
  readonly onStart: (part: string, where: string) => void;
  /** Told of each run of a handler. */
  readonly onRun: (run: RunMessage) => void;
  /** Told of each run of the cron Worker. */
  readonly onReport: (report: CronMessage & { readonly kind: "report" }) => void;
}

/**
 * Starts Redis, the gateway, the edge Worker with the cron Worker, and the Node worker, those that do not need each other at once; then adds the
 * cron entry.
 * @throws {Error} one line: which part did not start, and why. What had started is ended.
 */
export async function openShop({ outDir, signal, onStart, onRun, onReport }: ShopOptions): Promise<Shop> {
  const openedAtMs = Date.now();
  const clock = shopClock(openedAtMs);
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    // What is not ours in a folder that the user named stays.
    for (const made of ["thumbnails", "mail", "edge-worker", "edge-worker.log", "worker.log"])
      await rm(path.join(outDir, made), { recursive: true, force: true });
    await mkdir(outDir, { recursive: true });

    const server = await named("Redis", useRedis());
    closers.push(() => server.stop());
    const redis = new Redis(server.url, { protocol: 2, maxRetriesPerRequest: 2 });
    redis.on("error", () => {});
    closers.push(() => redis.disconnect());
    const redisAt = server.url.replace(/\/\/.*@/, "//");
    await redis.ping().catch(() => Promise.reject(new Error(`Redis: no answer from ${redisAt}`)));
    const broker = makeBroker({ redis: ioredisPort(redis), clock, random: systemRandom });
    // A Redis that `ASYNQ_REDIS_URL` names may hold what an earlier demo left; nothing else is touched.
    await removeReportEntry(broker);
    await clearSchedulerHistory(broker, [reportEntryId]);
    await emptyQueues(redis);
    onStart("Redis", redisAt);

    const [enqueueToken, cronToken] = [1, 2].map(() => randomBytes(24).toString("base64url")) as [string, string];
    const tokens = [{ token: enqueueToken, role: "enqueue", queues: Object.keys(queues) }, cronToken] as const;
    const gateway = await named("the gateway", startGateway({ redis: server.url, tokens, port: 0 }));
    closers.push(() => gateway.close());
    onStart("gateway", `${gateway.url}, Redis over HTTP`);

    let worker: Child<unknown> | undefined;
    const startWorker = async (): Promise<void> => {
      const child = startChild<unknown, WorkerMessage>({
        file: path.join(import.meta.dirname, "worker-node/main.ts"),
        env: { REDIS_URL: server.url, OPENED_AT_MS: String(openedAtMs), OUT_DIR: outDir },
        logFile: path.join(outDir, "worker.log"),
        onMessage: (message) => message.kind === "run" && onRun(message),
        signal,
      });
      worker = await named("the Node worker", child);
      closers.push(worker.stop);
      onStart("Node worker", `process ${worker.pid}`);
    };
    let cronWork = noWork;
    const startEdgeWorkers = async (): Promise<string> => {
      const child = startChild<WorkersReady, CronMessage>({
        file: path.join(import.meta.dirname, "worker/serve.ts"),
        env: {
          REDIS_HTTP_URL: gateway.url,
          ENQUEUE_TOKEN: enqueueToken,
          CRON_TOKEN: cronToken,
          OPENED_AT_MS: String(openedAtMs),
          OUT_DIR: path.join(outDir, "edge-worker"),
        },
        logFile: path.join(outDir, "edge-worker.log"),
        onMessage: (message) => {
          cronWork = addWork(cronWork, message);
          if (message.kind === "report") onReport(message);
        },
        signal,
      });
      const { ready, stop } = await named("the edge Workers", child);
      closers.push(stop);
      onStart("edge Worker", `${ready.url}, in workerd`);
      onStart("cron Worker", "beside it; its trigger is rung at each full minute");
      return ready.url;
    };

    // Both are waited for, so that whichever starts is known to `close`.
    const [front, back] = await Promise.allSettled([startEdgeWorkers(), startWorker()]);
    if (front.status === "rejected") throw front.reason;
    if (back.status === "rejected") throw back.reason;
    await addReportEntry(broker);
    // It would fire for ever in a Redis that stays.
    closers.push(() => removeReportEntry(broker).catch(() => {}));
    return {
      url: front.value,
      redisUrl: redisAt,
      redis,
      clock,
      broker,
      get cronWork() {
        return cronWork;
      },
      get worker() {
        return worker!;
      },
      startWorker,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Names the part that failed. */
async function named<T>(part: string, starting: Promise<T>): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    throw new Error(`${part}: ${(error as Error).message.split("\n")[0]}`, { cause: error });
  }
}

async function emptyQueues(redis: Redis): Promise<void> {
  for (const queue of Object.keys(queues)) {
    // The braces of the hash tag mean nothing in a pattern.
    for await (const keys of redis.scanStream({ match: `${queuePrefix(queue)}*`, count: 1_000 })) {
      if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
    }
  }
}
