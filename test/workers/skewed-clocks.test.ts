import { type Clock, correctedClock } from "@asynqjs/core";
import { scanInvariants } from "@asynqjs/core/invariants";
import { type ManualClock, seededRandom } from "@asynqjs/core/testing";
import { describe } from "vitest";
import { byClock, expect, test } from "../support/server-test.ts";

const tasks = 12;
/** Longer than a lease: each is extended on the way. */
const lastsMs = 45_000;
const minute = 60_000;

/** A clock whose wall shows another time, and that may jump; its timers are those of the one beneath. */
function skewed(clock: ManualClock, offMs: number): Clock & { jump(byMs: number): void } {
  return {
    ...clock,
    nowMs: () => clock.nowMs() + offMs,
    jump(byMs) {
      offMs += byMs;
    },
  };
}

interface Skew {
  readonly name: string;
  /** Of each server's clock, when it starts. */
  readonly offMs: readonly number[];
  /** By how much it jumps in the middle. */
  readonly jumpMs: readonly number[];
  readonly corrected: boolean;
  /** Whether a task may run more than once. */
  readonly twice: boolean;
}

const still = [0, 0, 0];
const skews: readonly Skew[] = [
  { name: "±20 s, nobody corrects it: each runs once", offMs: [-20_000, 0, 20_000], jumpMs: still, corrected: false, twice: false },
  { name: "±60 s, nobody corrects it", offMs: [-minute, 0, minute], jumpMs: still, corrected: false, twice: true },
  { name: "±24 h, nobody corrects it", offMs: [-24 * 60 * minute, 0, 24 * 60 * minute], jumpMs: still, corrected: false, twice: true },
  { name: "±4 min, corrected: each runs once", offMs: [-4 * minute, 0, 4 * minute], jumpMs: still, corrected: true, twice: false },
  // Until three beats have seen it, the one ahead puts off by ten minutes too many what it takes for lost.
  {
    name: "none, then it jumps ten minutes, corrected",
    offMs: still,
    jumpMs: [10 * minute, 0, -10 * minute],
    corrected: true,
    twice: true,
  },
];

describe("servers whose clocks differ", () => {
  test.for(skews)(
    "by $name; no task is lost, and each is counted once",
    { timeout: 60_000 },
    async (skew, { clock, port, makeServer, seed, pass, keyspace, message }) => {
      const redis = byClock(port, clock.nowMs);
      const ids = Array.from({ length: tasks }, (_, i) => `task${i}`);
      await seed(...ids.map((taskId) => ({ taskId, retentionSec: 365 * 24 * 3_600 })));
      const clocks = skew.offMs.map((offMs) => skewed(clock, offMs));
      let runs = 0;
      for (const [i, own] of clocks.entries()) {
        const server = makeServer(
          {
            ...{ clock: skew.corrected ? correctedClock(own) : own, random: seededRandom(50 + i), concurrency: 4 },
            ...{ recoverIntervalMs: 10_000, delayedTaskCheckIntervalMs: 10_000, repairIntervalMs: 60_000 },
          },
          redis,
        );
        await server.start(async () => {
          runs++;
          await new Promise<void>((resolve) => clock.after(lastsMs, resolve));
        });
      }
      const ends = async (): Promise<string[]> => {
        const space = await keyspace();
        return ["completed", "archived"].flatMap((state) => Object.keys(space[`asynq:{default}:${state}`] ?? {}));
      };

      await pass(20_000);
      for (const [i, own] of clocks.entries()) own.jump(skew.jumpMs[i]!);
      for (let minutes = 0; minutes < 30 && (await ends()).length < tasks; minutes++) await pass(minute);

      const space = await keyspace();
      const archived = Object.keys(space["asynq:{default}:archived"] ?? {});
      expect((await ends()).sort()).toEqual([...ids].sort());
      expect(space["asynq:{default}:processed"]).toBe(String(tasks));
      expect((await scanInvariants(port)).findings).toEqual([]);
      // Three times it seemed that the worker of a task was lost.
      for (const id of archived) expect(await message(id)).toMatchObject({ errorMsg: "crashed 3 workers", retried: 0 });
      if (!skew.twice) expect({ runs, archived }).toEqual({ runs: tasks, archived: [] });
      if (skew.corrected) expect(archived).toEqual([]);
      expect(runs).toBeGreaterThanOrEqual(tasks);
    },
  );
});
