import { copyFileSync, existsSync, globSync, statSync, truncateSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "@asynqjs/core/testing";
import { inject } from "vitest";
import { expectSound } from "./after.ts";
import type { Fault } from "./history/explain-runs.ts";
import { figuresOf, type Lived, type LiveOptions, liveThrough } from "./history/live-through.ts";
import { expect, type LabRedis, test } from "./lab.ts";
import { machineMs } from "./machine-ms.ts";

const { seed, ci } = inject("chaos");
// Side by side: most of the time they wait for leases to end.
const [tasks, perSec, crashes] = ci ? [1_000, 100, 2] : [20_000, 400, 10];
const load = { tasks, perSec, crew: { node: 2, go: 0 } };

const crash = "crash Redis";
const byCrash = ({ fault }: Fault): boolean => fault === crash;

interface CrashOptions {
  readonly before?: () => Promise<void>;
  readonly between?: () => void;
}

/** Crashes Redis now and then while tasks are enqueued; each time it is away for up to a second. */
function crashing(redis: LabRedis, { before, between }: CrashOptions = {}): LiveOptions["afflict"] {
  return async ({ random, note }) => {
    for (let nth = 0; nth < crashes; nth++) {
      await sleep((tasks / perSec / (crashes + 1)) * 1_000);
      await before?.();
      const fromMs = machineMs();
      await redis.restart(async () => {
        between?.();
        await sleep(random.float() * 1_000);
      });
      note({ fault: crash, fromMs, untilMs: machineMs() });
    }
  };
}

/** What was acknowledged after the last crash was over, and is lost all the same. */
function lostAfterwards({ queue, enqueued, faults }: Lived): string[] {
  const overMs = Math.max(...faults.map(({ untilMs }) => untilMs));
  const later = new Set(enqueued.flatMap(({ event, atMs, queue, id }) => (event === "ok" && atMs > overMs ? `${queue} ${id}` : [])));
  return queue.lost.filter((task) => later.has(task));
}

test.concurrent.for(["always", "everysec"])(
  "F9: a Redis that crashes with appendfsync %s loses no task, and makes none run twice",
  async (appendfsync, { lab }) => {
    const redis = await lab.startRedis({ args: ["--appendonly", "yes", "--appendfsync", appendfsync] });
    // With everysec a write waits while the file is synced, two seconds at most; what waits when the process dies is not in the file.
    const before = async (): Promise<void> => {
      while (!(await redis.admin.info("persistence")).includes("aof_pending_bio_fsync:0\r")) await sleep(1);
    };
    const lived = await liveThrough(lab, {
      ...load,
      redis,
      random: seededRandom(seed),
      explains: () => false,
      afflict: crashing(redis, { before }),
    });

    const { lost, unexpected, stuck } = lived.queue;
    const twice = lived.explained.unexplained;
    lab.report({ ...figuresOf(lived), lost: lost.length });
    expect({ unexpected, stuck, lost, twice }).toEqual({ unexpected: [], stuck: [], lost: [], twice: [] });
    await expectSound(redis.admin);
  },
);

test.concurrent.for([
  ["snapshots", ["--save", "1 1"]],
  ["nothing", []],
] as const)(
  "F10: a Redis that keeps %s loses what its settings say; no ghost is left, and work goes on by itself",
  async ([, args], { lab }) => {
    const redis = await lab.startRedis({ args });
    const lived = await liveThrough(lab, { ...load, redis, random: seededRandom(seed), explains: byCrash, afflict: crashing(redis) });

    const { lost, unexpected, stuck } = lived.queue;
    lab.report({ ...figuresOf(lived), lost: lost.length });
    const { unexplained } = lived.explained;
    expect({ unexpected, stuck, unexplained, afterwards: lostAfterwards(lived) }).toEqual({
      ...{ unexpected: [], stuck: [], unexplained: [], afterwards: [] },
    });
    await expectSound(redis.admin);
  },
);

test.concurrent("F11: an append-only file that is cut off in the middle costs its end, and nothing besides", async ({ lab }) => {
  const redis = await lab.startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  const between = (): void => {
    const file = globSync(path.join(redis.disk, "appendonlydir/*.incr.aof")).sort().at(-1)!;
    truncateSync(file, statSync(file).size - 50);
  };
  const lived = await liveThrough(lab, {
    ...load,
    redis,
    random: seededRandom(seed),
    explains: byCrash,
    afflict: crashing(redis, { between }),
  });

  const { lost, unexpected, stuck } = lived.queue;
  lab.report({ ...figuresOf(lived), lost: lost.length });
  const { unexplained } = lived.explained;
  expect({ unexpected, stuck, unexplained, afterwards: lostAfterwards(lived) }).toEqual({
    ...{ unexpected: [], stuck: [], unexplained: [], afterwards: [] },
  });
  // The end of a file is one call at most: twenty tasks that were enqueued, or some that were done.
  expect(lost.length).toBeLessThanOrEqual(20 * crashes);
  await expectSound(redis.admin);
});

test.concurrent("F43: all keys deleted, and an old backup put in, under running workers: they go on, and the queues can be seen again", async ({
  lab,
}) => {
  const redis = await lab.startRedis();
  const dump = path.join(redis.disk, "dump.rdb");
  const old = path.join(redis.disk, "old.rdb");
  const lived = await liveThrough(lab, {
    ...{ ...load, redis, random: seededRandom(seed), explains: byCrash },
    async afflict({ note }) {
      const partMs = (tasks / perSec / 4) * 1_000;
      await sleep(partMs);
      await redis.admin.call("SAVE");
      copyFileSync(dump, old);
      await sleep(partMs);
      const flushMs = machineMs();
      await redis.admin.flushall();
      note({ fault: crash, fromMs: flushMs, untilMs: machineMs() });
      await sleep(partMs);
      const fromMs = machineMs();
      await redis.restart(() => copyFileSync(old, dump));
      note({ fault: crash, fromMs, untilMs: machineMs() });
    },
  });

  const { lost, unexpected, stuck } = lived.queue;
  lab.report({ ...figuresOf(lived), lost: lost.length });
  const { unexplained } = lived.explained;
  expect({ unexpected, stuck, unexplained, afterwards: lostAfterwards(lived) }).toEqual({
    ...{ unexpected: [], stuck: [], unexplained: [], afterwards: [] },
  });
  expect(existsSync(dump)).toBe(true);
  expect((await redis.admin.smembers("asynq:queues")).sort()).toEqual(["busy", "default"]);
  await expectSound(redis.admin);
});
