import { mkdirSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort, ioredisSettings, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { expectSound } from "./after.ts";
import { expect, type LabRedis, test } from "./lab.ts";

interface Trouble {
  /** What Redis then answers to a write. */
  readonly says: string;
  readonly args?: readonly string[];
  begin(redis: LabRedis): Promise<unknown>;
  end(redis: LabRedis): Promise<unknown>;
}

const troubles: readonly Trouble[] = [
  {
    says: "LOADING",
    // Each of some thousand keys takes it a millisecond.
    args: ["--appendonly", "yes", "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"],
    async begin(redis) {
      const pipeline = redis.admin.pipeline();
      for (let i = 0; i < 4_000; i++) pipeline.set(`filler:${i}`, "x".repeat(1_000));
      await pipeline.exec();
      loaded = redis.restart();
      await sleep(500);
    },
    end: async () => loaded,
  },
  {
    says: "MISCONF",
    args: ["--save", "3600 1", "--enable-protected-configs", "yes"],
    async begin({ admin, disk }) {
      rmSync(disk, { recursive: true });
      await admin.bgsave();
      await expect.poll(() => admin.info("persistence")).toContain("rdb_last_bgsave_status:err");
    },
    async end({ admin, disk }) {
      mkdirSync(disk);
      await admin.config("SET", "dir", disk);
      await admin.bgsave();
      await expect.poll(() => admin.info("persistence")).toContain("rdb_last_bgsave_status:ok");
    },
  },
  {
    says: "MASTERDOWN",
    args: ["--replica-serve-stale-data", "no"],
    begin: ({ admin }) => admin.replicaof("127.0.0.1", 1),
    end: ({ admin }) => admin.replicaof("NO", "ONE"),
  },
  {
    says: "BUSY",
    args: ["--busy-reply-threshold", "50"],
    async begin({ url }) {
      busy = new Redis(url, { retryStrategy: null }).on("error", () => {});
      void busy.eval("while true do end", 0).catch(() => {});
      await sleep(200);
    },
    async end({ admin }) {
      await admin.script("KILL");
      busy!.disconnect();
    },
  },
];

/** What a script is answered by whatever answers there, ready or not. */
async function answerOf(url: string): Promise<string> {
  const probe = new Redis(url, { enableReadyCheck: false, maxRetriesPerRequest: null, retryStrategy: () => 20, protocol: 2 });
  probe.on("error", () => {});
  try {
    return String(await probe.eval("return redis.call('SET', KEYS[1], '1')", 1, "probe").catch((error: Error) => error.message));
  } finally {
    probe.disconnect();
  }
}

let loaded: Promise<void> | undefined;
let busy: Redis | undefined;

test.for(troubles)(
  "F11: while Redis answers $says nothing is lost, charged or run twice, and work goes on when it is over",
  async (trouble, { lab }) => {
    const redis = await lab.startRedis({ args: trouble.args ?? [] });
    const { admin, url } = redis;
    const settings = ioredisSettings(parseRedisUri(url));
    const connection = new Redis(settings.options).on("error", lab.note);
    const client = new Client({ redis: ioredisPort(connection, { managed: true, timeoutMs: 30_000 }) });
    const enqueue = async (...taskIds: string[]): Promise<void> => {
      const payload = lab.payload({ ms: 1_500, result: lab.canaries.result });
      const outcomes = await client.enqueueMany(taskIds.map((taskId) => new Task("chaos", payload, { taskId, retentionSec: 3_600 })));
      for (const { error } of outcomes) if (error !== undefined) throw error;
    };
    const worker = await lab.startWorker(url, { concurrency: 2 });
    await enqueue("runs-1", "runs-2", "waits");
    for (const id of ["runs-1", "runs-2"]) await worker.tells((event) => event.event === "start" && event.id === id);

    await trouble.begin(redis);
    const answer = await answerOf(url);
    const meanwhile = enqueue("enqueued-meanwhile");
    // Both runs end in it, and the heartbeats that keep their leases fall into it.
    await sleep(4_000);
    await trouble.end(redis);
    await meanwhile;
    await expect.poll(() => admin.zcard("asynq:{default}:completed")).toBe(4);
    await worker.end();

    expect(answer).toMatch(new RegExp(`^${trouble.says} `));
    const starts = worker.events.filter(({ event }) => event === "start").map(({ id }) => id);
    expect(starts.sort()).toEqual(["enqueued-meanwhile", "runs-1", "runs-2", "waits"]);
    expect(await admin.mget("asynq:{default}:processed", "asynq:{default}:failed")).toEqual(["4", null]);
    await expectSound(admin);
    connection.disconnect();
    lab.report({ answer: trouble.says, runs: starts.length });
  },
);
