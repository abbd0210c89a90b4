import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { seededRandom } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import { inject, onTestFinished } from "vitest";
import { ageLeases } from "../support/age-leases.ts";
import { tcpFaults } from "../support/tcp-faults.ts";
import { expectSound, within } from "./after.ts";
import { expect, type Lab, test } from "./lab.ts";

const { seeds, ci } = inject("chaos");
/** How often each task is run if nobody dies. */
const runs = { plain: 1, result: 1, fails: 2, later: 1 };

async function enqueueTasks(admin: Redis, { payload, canaries }: Lab): Promise<void> {
  const { result } = canaries;
  const options = { retentionSec: 3_600 };
  const outcomes = await new Client({ redis: ioredisPort(admin) }).enqueueMany([
    new Task("chaos", payload({ ms: 5 }), { ...options, taskId: "plain" }),
    new Task("chaos", payload({ ms: 5, result }), { ...options, taskId: "result" }),
    new Task("chaos", payload({ ms: 5, fails: true }), { ...options, taskId: "fails" }),
    new Task("chaos", payload({ ms: 5 }), { ...options, taskId: "later", processInSec: 1 }),
  ]);
  expect(outcomes.filter(({ error }) => error)).toEqual([]);
}

const allDone = async (admin: Redis): Promise<boolean> => (await admin.zcard("asynq:{default}:completed")) === 4;

test.for(["drop-request", "drop-reply"] as const)(
  "F2: a worker killed at any of its requests to Redis (%s): every task is done, at most one more run each, nothing charged",
  async (fault, { lab }) => {
    const { admin, server, url, via } = await lab.startRedis();
    const way = await tcpFaults(server);
    onTestFinished(() => way.stop());
    await enqueueTasks(admin, lab);
    const undisturbed = await lab.startWorker(via(way.port));
    await within(20_000, () => allDone(admin));
    await undisturbed.end();
    const requests = way.requests.length;
    const sampled = seeds.flatMap((seed) => sample(seed, 2, requests));
    const kills = ci ? sampled : Array.from({ length: requests }, (_, nth) => nth);
    let struck = 0;
    let extraRuns = 0;

    for (const nth of kills) {
      await admin.flushall();
      await enqueueTasks(admin, lab);
      const before = lab.workers.length;
      let dying: Promise<void> | undefined;
      way.next(fault, "", {
        pass: nth,
        onStrike: () => {
          struck++;
          dying = lab.workers[before]!.end("SIGKILL");
        },
      });
      // One that dies before it takes tasks never tells that it is ready.
      const first = await lab.startWorker(via(way.port)).catch(() => undefined);
      await within(20_000, async () => dying !== undefined || (await allDone(admin)));
      await dying;
      await ageLeases(admin);
      const second = dying === undefined ? undefined : await lab.startWorker(url);
      expect(await within(30_000, () => allDone(admin)), `request ${nth}: all done`).toBe(true);
      await Promise.all([first, second].map((worker) => worker?.end()));

      const started = lab.workers.slice(before).flatMap(({ events }) => events.filter(({ event }) => event === "start"));
      for (const [id, needed] of Object.entries(runs)) {
        const extra = started.filter((run) => run.id === id).length - needed;
        expect(extra, `request ${nth}: more runs of ${id}`).toBeOneOf([0, 1]);
        extraRuns += extra;
      }
      expect(await admin.mget("asynq:{default}:processed", "asynq:{default}:failed"), `request ${nth}`).toEqual(["5", "1"]);
      await expectSound(admin);
    }
    lab.report({ requests, kills: struck, extraRuns });
  },
);

function sample(seed: number, count: number, below: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => Math.floor(random.float() * below));
}
