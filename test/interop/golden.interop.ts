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
  readonly startGoWorker: () => Promise<Worker>;
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
};

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

/** A state without its times: days in the names of keys, scores, `pending_since`, what the message tells, times to live to within a day. */
function timeless(state: GoState): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => {
      const name = key.replace(/\d{4}-\d\d-\d\d$/, "<day>");
      if ("zset" in value) return [name, Object.keys(value.zset)];
      if ("string" in value) return [name, { ...value, ttlSec: Math.round(value.ttlSec / (2 * 24 * 3600)) }];
      if (!("hash" in value)) return [name, value];
      const { msg, pending_since: since, ...fields } = value.hash;
      const { lastFailedAtSec, ...message } = msg === undefined ? {} : decodeTaskMessage(Buffer.from(msg, "base64"), key);
      return [name, { fields, message, times: [since !== undefined, lastFailedAtSec !== undefined] }];
    }),
  );
}
