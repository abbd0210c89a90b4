import { describe, expect, test } from "vitest";
import { everySlots } from "../../../../test/support/every-slots.ts";
import type { CatchUp } from "./cron-entry.ts";
import { decideSlots, mostSlots, nextSlot } from "./decide-slots.ts";

const nowSec = 1_000_030;
const minute = { spec: "@every 60s", timeZone: "UTC", sinceSec: 0, catchUp: "one" as CatchUp, windowSec: 3_600 };
/** The whole minutes up to now, the latest first. */
const [m0, m1, m2, m3, m4] = [0, 1, 2, 3, 4].map((ago) => (Math.floor(nowSec / 60) - ago) * 60) as [number, number, number, number, number];

const decide = (claimed: number, changes: Partial<typeof minute> = {}) =>
  decideSlots({ ...minute, ...changes }, claimed, nowSec, everySlots);

describe("which slots are fired", () => {
  test("none where all are decided, and the claim stays", () => {
    expect(decide(m0)).toEqual({ fire: [], upToSec: m0, skipped: 0, more: false });
    expect(decide(nowSec + 500)).toEqual({ fire: [], upToSec: nowSec + 500, skipped: 0, more: false });
  });

  test("those on time always: at most 90 s old", () => {
    expect(nowSec - m1).toBeLessThan(90);
    for (const catchUp of ["skip", "one", "all"] as const)
      expect(decide(m2, { catchUp })).toEqual({ fire: [m1, m0], upToSec: m0, skipped: 0, more: false });
  });

  test("of those that were missed none, the latest, or all, as the entry says", () => {
    expect(decide(m4, { catchUp: "skip" })).toEqual({ fire: [m1, m0], upToSec: m0, skipped: 2, more: false });
    expect(decide(m4, { catchUp: "one" })).toEqual({ fire: [m2, m1, m0], upToSec: m0, skipped: 1, more: false });
    expect(decide(m4, { catchUp: "all" })).toEqual({ fire: [m3, m2, m1, m0], upToSec: m0, skipped: 0, more: false });
  });

  test("none that is older than the window, or came before the entry", () => {
    expect(decide(0, { catchUp: "all", windowSec: nowSec - m3 }).fire).toEqual([m3, m2, m1, m0]);
    expect(decide(0, { catchUp: "all", windowSec: nowSec - m3 - 1 }).fire).toEqual([m2, m1, m0]);
    expect(decide(0, { catchUp: "all", windowSec: 0 }).fire).toEqual([m1, m0]);
    expect(decide(0, { catchUp: "all", sinceSec: m2 }).fire).toEqual([m1, m0]);
  });

  test("a missed one alone where nothing is on time", () => {
    const hourly = { spec: "@every 3600s", windowSec: 86_400 };
    const last = Math.floor(nowSec / 3600) * 3600;
    expect(decide(last - 7_200, { ...hourly, catchUp: "skip" })).toEqual({ fire: [], upToSec: last, skipped: 2, more: false });
    expect(decide(last - 7_200, { ...hourly, catchUp: "one" })).toEqual({ fire: [last], upToSec: last, skipped: 1, more: false });
  });

  test.each([-1, 0, 1])("the latest that was missed also where a list ends with it, or %i beside it", (beside) => {
    const slots = mostSlots.listed + beside;
    const last = Math.floor(nowSec / 600) * 600;
    let claimed = last - slots * 600;
    const all: number[] = [];
    let skipped = 0;
    for (let more = true; more; ) {
      const decision = decide(claimed, { spec: "@every 600s", windowSec: nowSec });
      all.push(...decision.fire);
      skipped += decision.skipped;
      claimed = decision.upToSec;
      more = decision.more;
    }
    expect(nowSec - last).toBeGreaterThan(90);
    expect({ all, skipped, claimed }).toEqual({ all: [last], skipped: slots - 1, claimed: last });
  });

  test.each<[CatchUp, fired: number]>([
    ["skip", 90 + 1],
    ["one", 90 + 2],
    ["all", 3_600 + 1],
  ])("some at a time of very many, one after the other, with %s as well", (catchUp, fired) => {
    let claimed = 0;
    const all: number[] = [];
    let skipped = 0;
    for (let more = true; more; ) {
      const decision = decide(claimed, { spec: "@every 1s", catchUp });
      expect(decision.fire.length).toBeLessThanOrEqual(mostSlots.fired);
      expect(decision.upToSec).toBeGreaterThan(claimed);
      all.push(...decision.fire);
      skipped += decision.skipped;
      claimed = decision.upToSec;
      more = decision.more;
    }
    expect(claimed).toBe(nowSec);
    expect(all).toEqual(Array.from({ length: fired }, (_, i) => nowSec - fired + 1 + i));
    expect(skipped).toBe(3_601 - fired);
  });
});

describe("the next slot", () => {
  const entry = { ...minute, paused: false } as Parameters<typeof nextSlot>[0];

  test("is the first one after now, and after the entry's beginning", () => {
    expect(nextSlot(entry, nowSec, everySlots)).toBe(m0 + 60);
    expect(nextSlot(entry, m0, everySlots)).toBe(m0 + 60);
    expect(nextSlot({ ...entry, sinceSec: nowSec + 600 }, nowSec, everySlots)).toBe(m0 + 660);
  });

  test("is not there where the entry is paused, or five years bring none", () => {
    expect(nextSlot({ ...entry, paused: true }, nowSec, everySlots)).toBeUndefined();
    expect(nextSlot({ ...entry, spec: "@every 999999999s" }, nowSec, everySlots)).toBeUndefined();
  });
});
