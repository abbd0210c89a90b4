import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { CronSpecError } from "../errors.ts";
import type { RedisPort } from "../redis.ts";
import { mortalRedis } from "../testing/faulty-redis.ts";
import { schedule } from "../ticks/schedule.ts";
import { addCronEntry } from "./add-cron-entry.ts";
import { editCronEntry } from "./edit-cron-entry.ts";
import { readCronEntry } from "./read-cron-entry.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q" } as const;
const quiet = { slotsBetween, told: false } as const;
const [first, second] = [Math.ceil(startSec / 60) * 60, Math.ceil(startSec / 60) * 60 + 60];

describe("editCronEntry", () => {
  test("changes what is named and leaves the rest; undefined is the default", async ({ broker, clock }) => {
    const entry = await addCronEntry(broker, { ...minute, payload: "p", catchUp: "all" });
    await clock.advance(5_000);

    const edited = await editCronEntry(broker, entry, { payload: "new", catchUp: undefined }, { slotsBetween });

    expect(edited).toEqual({
      ...entry,
      payload: new TextEncoder().encode("new"),
      catchUp: "one",
      version: expect.not.stringContaining(entry.version),
      epoch: 2,
    });
    expect(await readCronEntry(broker, "report")).toEqual(edited);
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, moved: 0, lost: 0 });
  });

  test("that changes nothing writes nothing", async ({ broker, port }) => {
    const entry = await addCronEntry(broker, minute);
    const before = port.sent.length;

    expect(await editCronEntry(broker, entry, { spec: "@every 60s", paused: false }, { slotsBetween })).toEqual(entry);
    expect(port.sent.slice(before)).toHaveLength(1);
  });

  test("refuses a version that is not the one, and an entry that is not there", async ({ broker, other }) => {
    const entry = await addCronEntry(broker, minute);
    await editCronEntry(other, entry, { catchUp: "all" }, { slotsBetween });

    await expect(editCronEntry(broker, entry, { catchUp: "skip" }, { slotsBetween })).rejects.toMatchObject({ code: "CRON_ENTRY_VERSION" });
    const nobody = { id: "nobody", version: "v" };
    await expect(editCronEntry(broker, nobody, {}, { slotsBetween })).rejects.toMatchObject({ code: "CRON_ENTRY_NOT_FOUND" });
    expect(await readCronEntry(broker, "report")).toMatchObject({ catchUp: "all", epoch: 2 });
  });

  test("of many at once that read the same one is made", async ({ broker, other }) => {
    const entry = await addCronEntry(broker, minute);
    const results = await Promise.allSettled(
      [broker, other, broker, other].map((each, i) => editCronEntry(each, entry, { jitterSec: i + 1 }, { slotsBetween })),
    );

    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "CRON_ENTRY_VERSION" });
  });

  test("of its times fires what is due by the earlier ones first, and counts the new ones from now", async ({ broker, clock, redis }) => {
    const entry = await addCronEntry(broker, minute);
    await clock.advance((first + 30 - startSec) * 1000);

    const edited = await editCronEntry(broker, entry, { spec: "@every 20s" }, { slotsBetween });

    expect(edited.sinceSec).toBe(first + 30);
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([`report:${first}`]);
    await clock.advance(15_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, skipped: 0 });
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([`report:${first + 40}`, `report:${first}`]);
  });

  test("of times that cannot be read here puts others in their place: nothing is due by them", async ({ broker, clock, redis }) => {
    const entry = await addCronEntry(broker, minute);
    const stored = (await redis.hget("asynq:js:cron", "report"))!;
    await redis.hset("asynq:js:cron", "report", stored.replace("@every 60s", "at noon"));
    await clock.advance((first + 30 - startSec) * 1000);
    const reader: typeof slotsBetween = (times, ...rest) => {
      if (times.spec === "at noon") throw new CronSpecError(times.spec, "no spec");
      return slotsBetween(times, ...rest);
    };

    await editCronEntry(broker, entry, { spec: "@every 20s" }, { slotsBetween: reader });

    await clock.advance(15_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, errors: [] });
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([`report:${first + 40}`]);
  });

  test("of its times fires all that is due by the earlier ones, also where a tick fires some of it meanwhile, and dies", async ({
    broker,
    other,
    clock,
    redis,
  }) => {
    const entry = await addCronEntry(broker, { ...minute, catchUp: "all" });
    await clock.advance(6 * 3_600_000);
    let isBeaten = false;
    const late: RedisPort = {
      ...broker.redis,
      async send(commands, options) {
        // It is about to fire: now a tick fires a turn of it.
        if (!isBeaten && commands.some(([name]) => name === "SADD")) {
          isBeaten = true;
          await schedule({ ...other, redis: mortalRedis(other.redis, 2) }, quiet).catch(() => {});
        }
        return broker.redis.send(commands, options);
      },
    };

    await editCronEntry({ ...broker, redis: late }, entry, { spec: "@every 7200s" }, { slotsBetween });

    expect(isBeaten).toBe(true);
    const ids = await redis.lrange("asynq:{q}:pending", 0, -1);
    expect(ids.sort()).toEqual(Array.from({ length: 360 }, (_, i) => `report:${first + i * 60}`));
  });

  test("is what all go by once it is answered: who read the entry before fires nothing more", async ({ broker, other, clock, redis }) => {
    const entry = await addCronEntry(broker, minute);
    await editCronEntry(broker, entry, { payload: "new" }, { slotsBetween });
    await clock.advance(60_000);

    expect(await schedule(other, { ...quiet, entries: [entry] })).toMatchObject({
      fired: 0,
      lost: 0,
      errors: [{ entry: "report", error: { code: "CRON_ENTRY_EXISTS" } }],
    });
    expect(await redis.exists("asynq:{q}:pending")).toBe(0);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1 });
  });

  test("to another queue takes along which slots are decided, and seals the claim it leaves", async ({
    broker,
    other,
    clock,
    keyspace,
    redis,
  }) => {
    const entry = await addCronEntry(broker, minute);
    await clock.advance((first + 10 - startSec) * 1000);
    await schedule(broker, quiet);

    const edited = await editCronEntry(broker, entry, { queue: "other" }, { slotsBetween });

    expect(edited).toMatchObject({ queue: "other", from: [], epoch: 2 });
    expect(await readCronEntry(broker, "report")).toEqual(edited);
    const ran = { ran: `report:${first}`, ranAt: String(first + 10) };
    const space = await keyspace();
    expect(space["asynq:{q}:js:cron:report"]).toEqual({ slot: String(first), epoch: "2", sealed: "1", ...ran });
    expect(space["asynq:{other}:js:cron:report"]).toEqual({ slot: String(first), epoch: "2", ...ran });
    expect(await redis.ttl("asynq:{q}:js:cron:report")).toBeCloseTo(90 * 24 * 3600, -2);
    expect(await redis.ttl("asynq:{other}:js:cron:report")).toBe(-1);

    await clock.advance(60_000);
    expect(await schedule(other, { ...quiet, entries: [entry] })).toMatchObject({ fired: 0, lost: 0 });
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1 });
    expect(await redis.lrange("asynq:{other}:pending", 0, -1)).toEqual([`report:${second}`]);
  });

  test("there and back again: the claim that was sealed goes on where the other one was", async ({ broker, clock, redis }) => {
    let entry = await addCronEntry(broker, minute);
    for (const queue of ["other", "q", "other", "q"]) {
      await clock.advance(60_000);
      await schedule(broker, quiet);
      entry = await editCronEntry(broker, entry, { queue }, { slotsBetween });
    }
    await clock.advance(60_000);
    await schedule(broker, quiet);

    const fired = [...(await redis.lrange("asynq:{q}:pending", 0, -1)), ...(await redis.lrange("asynq:{other}:pending", 0, -1))];
    expect(fired.sort()).toEqual([0, 1, 2, 3, 4].map((minutes) => `report:${first + minutes * 60}`));
    expect(await redis.hgetall("asynq:{q}:js:cron:report")).toMatchObject({ slot: String(first + 240), epoch: "5" });
  });

  test("to another queue leaves behind the task that its slots were not to overlap", async ({ broker, clock }) => {
    const entry = await addCronEntry(broker, { ...minute, overlap: "skip" });
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1 });
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0, overlapping: 1 });

    await editCronEntry(broker, entry, { queue: "other" }, { slotsBetween });

    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, overlapping: 0 });
  });

  test("to a queue after the claim was lost fires nothing of the past", async ({ broker, clock, redis }) => {
    const entry = await addCronEntry(broker, { ...minute, catchUp: "all" });
    await clock.advance(600_000);
    await redis.del("asynq:{q}:js:cron:report");

    await editCronEntry(broker, entry, { queue: "other" }, { slotsBetween });

    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0 });
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1 });
  });
});
