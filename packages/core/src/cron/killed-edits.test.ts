import { describe, inject } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { type Broker, makeBroker } from "../broker.ts";
import { scanInvariants } from "../invariants/index.ts";
import { mortalRedis } from "../testing/faulty-redis.ts";
import { type KeyValue, seededRandom } from "../testing/index.ts";
import { schedule } from "../ticks/schedule.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import type { CronEntry } from "./cron-entry.ts";
import { editCronEntry } from "./edit-cron-entry.ts";
import { listCronEntries } from "./list-cron-entries.ts";
import { pauseCronEntry } from "./pause-cron-entry.ts";
import { readCronEntry } from "./read-cron-entry.ts";
import { reconcileCronEntries } from "./reconcile-cron-entries.ts";
import { removeCronEntry } from "./remove-cron-entry.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q", catchUp: "all" } as const;
const times = { slotsBetween };
const quiet = { slotsBetween, told: false } as const;
const first = Math.ceil(startSec / 60) * 60;
const minutes = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => first + (from + i) * 60);

/** The slots of the tasks that are pending, in any queue, each as often as there is a task. */
function firedSlots(space: Readonly<Record<string, KeyValue>>): number[] {
  const pending = Object.entries(space).flatMap(([key, value]) => (key.endsWith(":pending") ? (value as string[]) : []));
  return pending.map((id) => Number(id.split(":")[1])).sort((a, b) => a - b);
}

/** A change of an entry that was there before, and which slots are fired when it was made two and a half minutes after the first one. */
interface Case {
  readonly change: (broker: Broker, entry: CronEntry) => Promise<unknown>;
  /** Slots up to the sixth minute that may be fired: where it was not made, and where it was. */
  readonly fired: readonly (readonly number[])[];
}

const all = minutes(0, 6);
const cases: Readonly<Record<string, Case>> = {
  "another queue": { change: (broker, entry) => editCronEntry(broker, entry, { queue: "other" }, times), fired: [all] },
  "another payload": { change: (broker, entry) => editCronEntry(broker, entry, { payload: "p" }, times), fired: [all] },
  "another spec": {
    change: (broker, entry) => editCronEntry(broker, entry, { spec: "@every 120s" }, times),
    fired: [all, [...minutes(0, 2), ...minutes(3, 6).filter((slot) => slot % 120 === 0)]],
  },
  "another spec and queue": {
    change: (broker, entry) => editCronEntry(broker, entry, { spec: "@every 120s", queue: "other" }, times),
    fired: [all, [...minutes(0, 2), ...minutes(3, 6).filter((slot) => slot % 120 === 0)]],
  },
  "a pause": { change: (broker) => pauseCronEntry(broker, "report", times), fired: [all, minutes(0, 2)] },
  // Nothing of it is fired that was not yet.
  "its removal": { change: (broker) => removeCronEntry(broker, "report"), fired: [all, minutes(0, 0), minutes(0, 2)] },
  "a deploy": {
    change: (broker) => reconcileCronEntries(broker, "us", [{ ...minute, queue: "other" }], times),
    fired: [all],
  },
};

// On a Cluster each look at the whole keyspace takes long.
const options = { timeout: 60_000 };

describe("a change that is killed after any of its calls", options, () => {
  test.for(Object.keys(cases))(
    "%s: the next tick completes it, each slot is fired once",
    async (name, { broker, other, clock, redis, keyspace }) => {
      const { change, fired } = cases[name]!;
      const atSec = clock.nowMs() / 1000;
      let kills = 0;
      const seen = new Set<string>();
      for (let killed = true; killed; kills++) {
        await redis.flushdb();
        clock.jump(atSec * 1000 - clock.nowMs());
        // An empty Redis is filled by clients that never wrote to it.
        const [adder, ticker] = [makeBroker(other), makeBroker(other)];
        const entry = await addCronEntry(adder, { ...minute, owner: "us" });
        clock.jump((first + 10 - startSec) * 1000);
        await schedule(ticker, quiet);
        clock.jump(140_000);
        killed = await change({ ...broker, redis: mortalRedis(broker.redis, kills) }, entry).then(
          () => false,
          () => true,
        );
        // One that read the entry before, and one that did not.
        await schedule(makeBroker(other), { ...quiet, entries: [entry] });
        await schedule(ticker, quiet);
        clock.jump(240_000);
        await schedule(makeBroker(other), { ...quiet, entries: [entry] });
        await schedule(ticker, quiet);

        const space = await keyspace();
        const slots = firedSlots(space);
        expect(fired, `killed after ${kills} calls`).toContainEqual(slots);
        seen.add(slots.join());
        const { entries } = await listCronEntries(ticker);
        for (const { queue, epoch, from } of entries) {
          expect(from).toEqual([]);
          expect(space[`asynq:{${queue}}:js:cron:report`]).toMatchObject({ epoch: String(epoch) });
          expect(space[`asynq:{${queue}}:js:cron:report`]).not.toHaveProperty("sealed");
        }
        for (const queue of ["q", "other"]) {
          if (entries[0]?.queue === queue || !(`asynq:{${queue}}:js:cron:report` in space)) continue;
          expect(space[`asynq:{${queue}}:js:cron:report`], `killed after ${kills} calls`).toHaveProperty("sealed");
          expect(await redis.ttl(`asynq:{${queue}}:js:cron:report`)).toBeGreaterThan(0);
        }
        expect((await scanInvariants(other.redis)).findings).toEqual([]);
      }
      expect(kills).toBeGreaterThan(2);
      expect(seen.size, "killed early it is not made, later it is").toBe(fired.length === 1 ? 1 : fired.length);
    },
  );

  test("an addition: the next tick completes it, or nothing of it is there", async ({ broker, other, clock, redis, keyspace }) => {
    const atSec = clock.nowMs() / 1000;
    let [kills, added] = [0, 0];
    for (let killed = true; killed; kills++) {
      await redis.flushdb();
      clock.jump(atSec * 1000 - clock.nowMs());
      killed = await addCronEntry({ ...broker, redis: mortalRedis(broker.redis, kills) }, minute).then(
        () => false,
        () => true,
      );
      clock.jump((first + 130 - startSec) * 1000);
      const report = await schedule(makeBroker(other), quiet);

      expect(report).toMatchObject({ lost: 0, errors: [] });
      const { entries } = await listCronEntries(other);
      expect(firedSlots(await keyspace()), `killed after ${kills} calls`).toEqual(entries.length === 0 ? [] : minutes(0, 2));
      if (entries.length === 0 && kills > 0) expect(await redis.ttl("asynq:{q}:js:cron:report")).toBeGreaterThan(0);
      added += entries.length;
    }
    expect(added).toBeGreaterThan(1);
    expect(added).toBeLessThan(kills);
  });

  test("an entry that was removed while another one of its name was about to be added: it fires all the same", async ({
    broker,
    other,
    clock,
    keyspace,
  }) => {
    const late = { ...other, redis: { ...other.redis } };
    let held = true;
    late.redis.send = async (commands, options) => {
      // Its claim is there; now another adds the entry, and it is removed again.
      if (held && commands.some((words) => words.includes("asynq:js:cron"))) {
        held = false;
        await addCronEntry(broker, minute);
        await removeCronEntry(broker, "report");
      }
      return other.redis.send(commands, options);
    };
    await addCronEntry(late, minute);
    expect(held).toBe(false);
    clock.jump((first + 10 - startSec) * 1000);

    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, lost: 0 });
    expect(firedSlots(await keyspace())).toEqual(minutes(0, 0));
  });
});

// What comes between what is not a matter of the port.
describe.runIf(inject("brokerPort") === "redis")("changes, ticks and kills at random, several at once", options, () => {
  test.for([1, 2, 3, 4, 5, 6])(
    "seed %i: each slot is fired once, its task long gone when others come to it",
    async (seed, { port, clock, redis }) => {
      const random = seededRandom(seed);
      const pick = (n: number): number => Math.floor(random.float() * n);
      let made = seed * 1_000;
      /** A process that dies at some call, or does not. */
      const process = (): Broker =>
        makeBroker({ redis: random.float() < 0.6 ? mortalRedis(port, pick(7)) : port, clock, random: seededRandom(made++) });
      const healthy = makeBroker({ redis: port, clock, random: seededRandom(made++) });
      const read: CronEntry[] = [await addCronEntry(healthy, minute)];
      const queues = ["q", "other", "third"];
      const fired: number[] = [];
      /** Takes what is pending, and leaves nothing of it. */
      const work = async (): Promise<void> => {
        for (const queue of queues) {
          for (let id = await redis.rpop(`asynq:{${queue}}:pending`); id !== null; id = await redis.rpop(`asynq:{${queue}}:pending`)) {
            fired.push(Number(id.split(":")[1]));
            await redis.del(`asynq:{${queue}}:t:${id}`);
          }
        }
      };

      for (let round = 0; round < 20; round++) {
        clock.jump(1_000 * (5 + pick(100)));
        const entry = await readCronEntry(healthy, "report");
        read.push(entry);
        const change = [
          () => editCronEntry(process(), entry, { queue: queues[pick(3)] }, times),
          () => editCronEntry(process(), entry, { payload: String(round) }, times),
          () => reconcileCronEntries(process(), "us", [], times),
        ][pick(3)]!;
        const ticks = Array.from({ length: 3 }, () => {
          const stale = random.float() < 0.4 ? { entries: [read[pick(read.length)]!] } : {};
          return schedule(process(), { ...quiet, ...stale });
        });
        await Promise.allSettled([change(), work(), change(), ...ticks, work()]);
        await work();
      }
      await schedule(healthy, quiet);
      expect(await schedule(healthy, quiet)).toMatchObject({ moved: 0, lost: 0, errors: [] });

      await work();
      const nowSec = clock.nowMs() / 1000;
      expect(fired.sort((a, b) => a - b)).toEqual(
        slotsBetween({ spec: minute.spec, timeZone: "UTC", anchorSec: 0 }, startSec, nowSec, 10_000),
      );
      expect((await scanInvariants(port)).findings).toEqual([]);
    },
  );
});
