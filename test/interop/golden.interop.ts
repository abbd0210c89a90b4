/**
 * Makes with Go the states that tests without Go start from, and compares them with the dumps in `golden/`, up to times.
 * `npm run interop -- --record` writes the dumps anew, by the newest Go.
 */
import { writeFileSync } from "node:fs";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { dumpGoState, type GoState, type GoStateName, goStateFile, readGoState } from "../support/go-state.ts";
import type { GoNewTask, GoPeer } from "./go-peer.ts";
import { expect, goVersions, onGo, type Worker } from "./interop-test.ts";

interface Go {
  readonly redis: Redis;
  readonly go: GoPeer;
  readonly startGoWorker: (config?: { readonly aggregate?: boolean }) => Promise<Worker>;
}

const makers: Readonly<Record<GoStateName, (go: Go) => Promise<void>>> = {
  async pending({ go }) {
    await enqueueAll(go, ...["a", "b", "c"].map((taskId) => ({ type: "email:send", payload: Buffer.from("{}"), options: { taskId } })));
  },
  async active({ go, startGoWorker }) {
    await enqueueAll(go, { type: "hang", options: { taskId: "a" } });
    const worker = await startGoWorker();
    await worker.told(({ event }) => event === "run");
    await worker.end("SIGKILL");
  },
  async dangling({ redis, go, startGoWorker }) {
    await enqueueAll(go, { type: "echo", options: { taskId: "gone" } });
    await redis.del("asynq:{default}:t:gone");
    const worker = await startGoWorker();
    await expect.poll(() => redis.exists("asynq:{default}:active")).toBe(1);
    await worker.end("SIGKILL");
  },
  async archived({ go, startGoWorker }) {
    await enqueueAll(go, { type: "skip", payload: Buffer.from("{}"), options: { taskId: "z", uniqueTtlSec: 100 * 24 * 3600 } });
    await startGoWorker();
    await expect.poll(async () => (await go.task("z")).state).toBe("archived");
  },
  async aggregating(given) {
    await killAggregator(given);
  },
  async reclaimed({ redis, ...given }) {
    const set = await killAggregator({ redis, ...given });
    // In place of two minutes of Go's clock.
    await redis.zadd("asynq:{default}:aggregation_sets", 1, set);
    const worker = await given.startGoWorker();
    await expect.poll(() => redis.exists("asynq:{default}:aggregation_sets")).toBe(0);
    await worker.end();
  },
};

/** Kills Go's aggregator while it has `a`, `b` and `c` of the group `hang` in its hands; answers the key of their set. */
async function killAggregator({ redis, go, startGoWorker }: Go): Promise<string> {
  await enqueueAll(
    go,
    ...["a", "b", "c"].map((taskId) => ({ type: "part", payload: Buffer.from(taskId), options: { taskId, group: "hang" } })),
  );
  const worker = await startGoWorker({ aggregate: true });
  await expect.poll(() => redis.zcard("asynq:{default}:aggregation_sets")).toBe(1);
  await worker.end("SIGKILL");
  return (await redis.zrange("asynq:{default}:aggregation_sets", "0", "-1"))[0]!;
}

async function enqueueAll(go: GoPeer, ...tasks: readonly GoNewTask[]): Promise<void> {
  for (const { error } of await go.enqueue(...tasks)) expect(error).toBeUndefined();
}

onGo(goVersions, (test) => {
  for (const [name, make] of Object.entries(makers) as [GoStateName, (typeof makers)[GoStateName]][]) {
    test(`Go still leaves the state "${name}" as it was recorded`, async ({ redis, go, startGoWorker, goVersion }) => {
      await make({ redis, go, startGoWorker });

      const state = await dumpGoState(redis);
      if (process.env.ASYNQJS_RECORD_GOLDEN && goVersion === goVersions.at(-1))
        writeFileSync(goStateFile(name), `${JSON.stringify(state, undefined, 2)}\n`);
      expect(timeless(state)).toEqual(timeless(readGoState(name)));
    });
  }
});

/** A state without its times and what Go drew: days and ids of sets in the names of keys, scores, `pending_since`, what the message tells, times to live to within a day. */
function timeless(state: GoState): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => {
      const name = nameless(key);
      if ("zset" in value) return [name, Object.keys(value.zset).map(nameless)];
      if ("string" in value) return [name, { ...value, ttlSec: Math.round(value.ttlSec / (2 * 24 * 3600)) }];
      if (!("hash" in value)) return [name, value];
      const { msg, pending_since: since, ...fields } = value.hash;
      const { lastFailedAtSec, ...message } = msg === undefined ? {} : decodeTaskMessage(Buffer.from(msg, "base64"), key);
      return [name, { fields, message, times: [since !== undefined, lastFailedAtSec !== undefined] }];
    }),
  );
}

function nameless(key: string): string {
  return key.replace(/\d{4}-\d\d-\d\d$/, "<day>").replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "<set>");
}
