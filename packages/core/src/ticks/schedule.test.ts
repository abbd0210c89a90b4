import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { dequeue } from "../broker/dequeue.ts";
import { pauseQueue, unpauseQueue } from "../broker/pause-queue.ts";
import { settle } from "../broker/settle.ts";
import type { Broker } from "../broker.ts";
import { addCronEntry } from "../cron/add-cron-entry.ts";
import { type CronEntry, checkCronEntry } from "../cron/cron-entry.ts";
import { openClaims } from "../cron/open-claims.ts";
import { pauseCronEntry } from "../cron/pause-cron-entry.ts";
import { scanInvariants } from "../invariants/index.ts";
import { repair } from "./repair.ts";
import { type ScheduleReport, schedule } from "./schedule.ts";

const minute = { id: "report", spec: "@every 60s", type: "report:send", queue: "q" } as const;
const quiet = { slotsBetween, told: false } as const;
/** The first whole minute after the clock of the tests starts. */
const first = Math.ceil(startSec / 60) * 60;
const nothing = { fired: 0, skipped: 0, overlapping: 0, duplicates: 0, conflicts: 0, lost: 0, moved: 0, more: false, errors: [] };
const daySec = 86_400;

/** Ticks until nothing is left to do. */
async function tickAll(broker: Broker, budgetMs?: number): Promise<{ reports: ScheduleReport[]; fired: number; skipped: number }> {
  const reports: ScheduleReport[] = [];
  do reports.push(await schedule(broker, { ...quiet, budgetMs }));
  while (reports.at(-1)!.more);
  const sum = (name: "fired" | "skipped") => reports.reduce((total, report) => total + report[name], 0);
  return { reports, fired: sum("fired"), skipped: sum("skipped") };
}

describe("schedule", () => {
  test("fires a slot that is due, and its claim moves on in the same step", async ({ broker, clock, keyspace }) => {
    await addCronEntry(broker, { ...minute, payload: "all" });
    expect(await schedule(broker, quiet)).toEqual({ ...nothing, nextSec: first });

    await clock.advance((first - startSec) * 1000);
    expect(await schedule(broker, quiet)).toEqual({ ...nothing, fired: 1, nextSec: first + 60 });

    const space = await keyspace();
    const taskId = `report:${first}`;
    expect(space["asynq:{q}:pending"]).toEqual([taskId]);
    expect(space[`asynq:{q}:t:${taskId}`]).toMatchObject({ state: "pending", msg: expect.stringContaining("report:send") });
    expect(space["asynq:queues"]).toEqual(["q"]);
    expect(space["asynq:{q}:js:cron:report"]).toEqual({ slot: String(first), epoch: "1", ran: taskId, ranAt: String(first) });
  });

  test("fires it once, however many look and however often, also when its task is done and gone", async ({
    broker,
    other,
    clock,
    redis,
  }) => {
    await addCronEntry(broker, minute);
    await clock.advance(60_000);

    const reports = await Promise.all([broker, other, broker, other].map((each) => schedule(each, quiet)));
    expect(reports.reduce((sum, { fired }) => sum + fired, 0)).toBe(1);
    await redis.del("asynq:{q}:pending", `asynq:{q}:t:report:${first}`);

    expect(await schedule(other, quiet)).toEqual({ ...nothing, nextSec: first + 60 });
    expect(await redis.exists("asynq:{q}:pending")).toBe(0);
  });

  test("a tick that looks at nothing due asks twice, one that fires and tells four times, however many entries", async ({
    broker,
    clock,
    port,
  }) => {
    for (let i = 0; i < 20; i++) await addCronEntry(broker, { ...minute, id: `e${i}`, queue: `q${i % 2}` });
    const requests = async (): Promise<number> => {
      const before = port.sent.length;
      await schedule(broker, { slotsBetween });
      return port.sent.length - before;
    };
    await clock.advance(60_000);
    await requests();

    await clock.advance(60_000);
    expect(await requests()).toBe(4);
    // What was fired is told once more; later there is nothing to tell.
    expect(await requests()).toBe(3);
    for (let i = 0; i < 20; i++) await pauseCronEntry(broker, `e${i}`, { slotsBetween });
    await requests();
    await clock.advance(301_000);
    await requests();
    expect(await requests()).toBe(2);
  });

  test("starts over within its budget, for entries of seconds", async ({ broker, clock, redis }) => {
    await addCronEntry(broker, { ...minute, spec: "@every 5s" });
    let report: ScheduleReport | undefined;
    const run = schedule(broker, { ...quiet, budgetMs: 30_000, everyMs: 5_000 }).then((answer) => {
      report = answer;
    });
    // Each start is real I/O, so time goes on only once the tick waits for it.
    while (report === undefined) {
      await redis.ping();
      if (clock.waiting > 0) await clock.advance(clock.nextInMs);
    }
    await run;

    expect(report).toEqual({ ...nothing, fired: 5, nextSec: startSec + 30 });
    expect(await redis.llen("asynq:{q}:pending")).toBe(5);
  });

  test("serves the queues it is told", async ({ broker, clock }) => {
    await addCronEntry(broker, minute);
    await addCronEntry(broker, { ...minute, id: "other", queue: "other" });
    await clock.advance(60_000);

    expect(await schedule(broker, { ...quiet, queues: ["other"] })).toMatchObject({ fired: 1 });
    expect(await schedule(broker, { ...quiet, queues: ["none"] })).toEqual({ ...nothing, nextSec: undefined });
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1 });
  });

  test("fires entries that are nowhere stored by the same claims", async ({ broker, other, clock, redis }) => {
    const entry: CronEntry = { ...checkCronEntry(minute), version: "", sinceSec: startSec, epoch: 1, from: [], removed: false };
    for (const each of [broker, other]) expect((await openClaims(each, [entry], { make: true }))[0]!.value).toMatch(/opened|was-open/);
    await clock.advance(60_000);

    const reports = await Promise.all([broker, other, broker].map((each) => schedule(each, { ...quiet, entries: [entry] })));

    expect(reports.reduce((sum, { fired }) => sum + fired, 0)).toBe(1);
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([`report:${first}`]);
  });
});

describe("slots that were missed for a day", () => {
  test.for([
    ["skip", 2],
    ["one", 3],
    ["all", daySec / 60],
  ] as const)("are caught up as the entry says: %s fires %i, and counts the others", async ([catchUp, fired], { broker, clock, redis }) => {
    await addCronEntry(broker, { ...minute, catchUp, windowSec: 2 * daySec });
    await clock.advance(daySec * 1000);

    const report = await schedule(broker, { ...quiet, budgetMs: 60_000 });

    expect(report).toMatchObject({ fired, skipped: daySec / 60 - fired, more: false, errors: [] });
    const ids = (await redis.lrange("asynq:{q}:pending", 0, -1)).reverse();
    expect(ids).toEqual(Array.from({ length: fired }, (_, i) => `report:${first + (daySec / 60 - fired + i) * 60}`));
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0, skipped: 0 });
  });

  test("are caught up in as many invocations as the budget gives, some of each entry in turn, more until the last", async ({
    broker,
    clock,
    redis,
  }) => {
    for (const id of ["a", "b"]) await addCronEntry(broker, { ...minute, id, queue: id, catchUp: "all", windowSec: 2 * daySec });
    await clock.advance(daySec * 1000);
    // Each request takes 10 ms.
    const slow = {
      ...broker,
      redis: {
        ...broker.redis,
        async send(...request: Parameters<typeof broker.redis.send>) {
          await clock.advance(10);
          return broker.redis.send(...request);
        },
      },
    };

    expect(await schedule(slow, { ...quiet, budgetMs: 45 })).toMatchObject({ fired: 600, more: true });
    expect([await redis.llen("asynq:{a}:pending"), await redis.llen("asynq:{b}:pending")]).toEqual([300, 300]);
    const { reports, fired } = await tickAll(slow, 45);
    expect(fired).toBe(2 * (daySec / 60) - 600);
    expect(reports.length).toBeGreaterThan(2);
    expect(await schedule(slow, { ...quiet, budgetMs: 0 })).toMatchObject({ fired: 0, more: true });
  });

  test("are caught up once by any number at once", async ({ broker, other, clock, redis }) => {
    await addCronEntry(broker, { ...minute, catchUp: "all", windowSec: 2 * daySec });
    await clock.advance(daySec * 1000);

    const all = await Promise.all([broker, other, broker, other, broker].map((each) => schedule(each, { ...quiet, budgetMs: 60_000 })));

    expect(all.reduce((sum, { fired }) => sum + fired, 0)).toBe(daySec / 60);
    const ids = await redis.lrange("asynq:{q}:pending", 0, -1);
    expect(new Set(ids).size).toBe(daySec / 60);
    expect(ids).toHaveLength(daySec / 60);
  });
});

describe("very many entries", () => {
  test("share what one call holds: a turn fires a slot of each, until none is left", async ({ broker, port, clock, redis }) => {
    const made = { ...checkCronEntry({ ...minute, catchUp: "all" }), version: "", sinceSec: startSec, epoch: 1, from: [], removed: false };
    const entries = Array.from({ length: 300 }, (_, i): CronEntry => ({ ...made, id: `e${i}` }));
    await openClaims(broker, entries, { make: true });
    await clock.advance(240_000);
    const before = port.sent.length;

    expect(await schedule(broker, { ...quiet, budgetMs: 60_000, entries })).toMatchObject({ fired: 1_200, more: false });

    const fires = port.sent.slice(before).filter((commands) => commands.some(([name]) => name === "SADD"));
    expect(fires.map((commands) => commands.length)).toEqual([2, 2, 2, 2]);
    const ids = (await redis.lrange("asynq:{q}:pending", 0, -1)).reverse();
    expect(ids.slice(0, 300)).toEqual(entries.map(({ id }) => `${id}:${first}`));
  });
});

describe("an entry whose tasks must not overlap", () => {
  test("has its slots skipped while its task is there, also in a queue that is paused, and fires again when it is done", async ({
    broker,
    clock,
    redis,
  }) => {
    await addCronEntry(broker, { ...minute, overlap: "skip" });
    await pauseQueue(broker, "q");
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, overlapping: 0 });
    for (let i = 0; i < 3; i++) {
      await clock.advance(60_000);
      expect(await schedule(broker, quiet)).toMatchObject({ fired: 0, overlapping: 1 });
    }

    await unpauseQueue(broker, "q");
    const [task] = (await dequeue(broker, ["q"], 1)).tasks;
    await clock.advance(20_000);
    expect(await redis.lrange("asynq:{q}:active", 0, -1)).toEqual([`report:${first}`]);
    await settle(broker, [{ queue: "q", id: task!.id, fence: { token: task!.token }, to: "done" }]);
    await clock.advance(40_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, overlapping: 0 });
  });
});

describe("an entry with a jitter", () => {
  test("has its task scheduled as much later as it is to be, whoever fires it", async ({ broker, clock, redis }) => {
    await addCronEntry(broker, { ...minute, jitterSec: 600 });
    await clock.advance((first - startSec) * 1000);
    await schedule(broker, quiet);

    const dueSec = Number(await redis.zscore("asynq:{q}:scheduled", `report:${first}`));
    expect(dueSec).toBeGreaterThan(first);
    expect(dueSec).toBeLessThanOrEqual(first + 600);
  });
});

describe("what goes wrong with one entry", () => {
  test("a claim that was lost is made anew from now on: nothing of the past is fired, and it is counted", async ({
    broker,
    other,
    clock,
    redis,
  }) => {
    await addCronEntry(broker, { ...minute, catchUp: "all" });
    await addCronEntry(broker, { ...minute, id: "other" });
    await clock.advance(600_000);
    await redis.del("asynq:{q}:js:cron:report");

    const reports = await Promise.all([broker, other, broker].map((each) => schedule(each, quiet)));
    expect(reports.reduce((sum, { lost }) => sum + lost, 0)).toBe(1);
    expect((await redis.lrange("asynq:{q}:pending", 0, -1)).filter((id) => id.startsWith("report:"))).toEqual([]);
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 2, lost: 0 });
  });

  test("also where the whole queue was removed", async ({ broker, clock, redis }) => {
    await addCronEntry(broker, { ...minute, catchUp: "all" });
    await clock.advance(600_000);
    await schedule(broker, quiet);
    const keys = await redis.keys("asynq:{q}:*");
    await redis.del(...keys);

    expect(await schedule(broker, quiet)).toMatchObject({ fired: 0, lost: 1 });
    await clock.advance(60_000);
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, lost: 0 });
  });

  test("holds up no other: it is reported by its name", async ({ broker, clock, redis }) => {
    for (const id of ["fine", "broken", "wrong", "odd"]) await addCronEntry(broker, { ...minute, id, queue: id });
    await redis.set("asynq:{broken}:js:cron:broken", "text");
    await redis.set("asynq:{wrong}:pending", "text");
    const odd = (await redis.hget("asynq:js:cron", "odd"))!;
    await redis.hset("asynq:js:cron", "odd", odd.replace("@every 60s", "at noon"));
    await redis.hset("asynq:js:cron", "unreadable", 'v\n{"id":"unreadable"');
    await clock.advance(60_000);
    await redis.del("asynq:{broken}:js:cron:broken");
    await redis.set("asynq:{broken}:js:cron:broken", "text");

    const { errors, ...report } = await schedule(broker, { slotsBetween });

    expect(report).toMatchObject({ fired: 1, more: false });
    expect(errors).toEqual(
      expect.arrayContaining([
        { queue: "", error: expect.objectContaining({ code: "DECODE", message: expect.stringContaining("unreadable") }) },
        { queue: "broken", entry: "broken", error: expect.objectContaining({ reply: "WRONGTYPE" }) },
        { queue: "wrong", entry: "wrong", error: expect.objectContaining({ reply: "WRONGTYPE" }) },
        { queue: "odd", entry: "odd", error: expect.objectContaining({ message: "no spec of these tests: at noon" }) },
      ]),
    );
    expect(errors).toHaveLength(4);
    await redis.del("asynq:{wrong}:pending");
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1 });
  });

  test("holds up no other of its queue where the key of its group holds something else, and fires once that is mended", async ({
    broker,
    clock,
    redis,
  }) => {
    await addCronEntry(broker, { ...minute, id: "fine" });
    await addCronEntry(broker, { ...minute, id: "grouped", options: { group: "g" } });
    await redis.set("asynq:{q}:g:g", "text");
    await clock.advance(60_000);

    const report = await schedule(broker, quiet);

    expect(report).toMatchObject({
      fired: 1,
      errors: [{ queue: "q", entry: "grouped", error: expect.objectContaining({ reply: "WRONGTYPE" }) }],
    });
    expect(await redis.lrange("asynq:{q}:pending", 0, -1)).toEqual([`fine:${first}`]);
    await redis.del("asynq:{q}:g:g");
    expect(await schedule(broker, quiet)).toMatchObject({ fired: 1, errors: [] });
    expect(await redis.zrange("asynq:{q}:g:g", "0", "-1")).toEqual([`grouped:${first}`]);
  });

  test("repair and its sweep leave entries and claims alone, and no invariant is broken by them", async ({ broker, clock, keyspace }) => {
    await addCronEntry(broker, minute);
    await clock.advance(60_000);
    await schedule(broker, { slotsBetween });
    const before = await keyspace();

    for (let i = 0; i < 3; i++) {
      await repair(broker, { queues: ["q"], sweep: true });
      await clock.advance(61_000);
    }

    const kept = Object.entries(await keyspace()).filter(([key]) => !/:js:(repair|sweep)/.test(key));
    expect(Object.fromEntries(kept)).toEqual(before);
    expect((await scanInvariants(broker.redis)).findings).toEqual([]);
  });
});
