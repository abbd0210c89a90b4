import { type CronFields, parseCronSpec } from "@asynqjs/core/cron";
import { expect, test } from "vitest";
import { type ProposeDay, proposeDays } from "./propose-days.ts";

const dayOf = (iso: string): number => Date.parse(iso) / 86_400_000;
const of = (spec: string): ProposeDay => proposeDays(parseCronSpec(spec) as CronFields);
const isoOf = (day: number | undefined): string | undefined =>
  day === undefined ? undefined : new Date(day * 86_400_000).toISOString().slice(0, 10);

test.each([
  ["* * 13 * *", "2026-02-14", "2026-03-13"],
  ["* * * * fri", "2026-02-13", "2026-02-20"],
  ["* * 13 * fri", "2026-02-06", "2026-02-13"],
  ["* * 1-31 * fri", "2026-02-06", "2026-02-07"],
  ["* * 29 2 *", "2026-01-01", "2028-02-29"],
  ["* * 30 2 *", "2026-01-01", undefined],
])("of %s the day after %s is %s", (spec, after, next) => {
  expect(isoOf(of(spec)(dayOf(after)))).toBe(next);
});

test("the next one stays the next until it has come", () => {
  const propose = of("* * 1,15 * *");
  const asked = ["2026-01-01", "2026-01-02", "2026-01-14", "2026-01-15", "2026-03-01"];
  expect(asked.map((day) => isoOf(propose(dayOf(day))))).toEqual(["2026-01-15", "2026-01-15", "2026-01-15", "2026-02-01", "2026-03-15"]);
});
