import { describe, expect, test } from "vitest";
import { CronSpecError } from "../errors.ts";
import { type CronFields, parseCronSpec } from "./cron-spec.ts";

const range = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

const always: CronFields = {
  kind: "fields",
  seconds: [0],
  minutes: range(0, 59),
  hours: range(0, 23),
  daysOfMonth: range(1, 31),
  months: range(1, 12),
  daysOfWeek: range(0, 6),
  anyDayOfMonth: true,
  anyDayOfWeek: true,
  timeZone: "UTC",
};

function whyNot(spec: string, timeZone?: string): string {
  try {
    parseCronSpec(spec, timeZone);
  } catch (error) {
    expect(error).toBeInstanceOf(CronSpecError);
    expect((error as CronSpecError).spec).toBe(spec);
    return (error as CronSpecError).message;
  }
  throw new Error(`"${spec}" was read`);
}

describe("a cron spec", () => {
  test.each<[spec: string, differs: Partial<CronFields>]>([
    ["* * * * *", {}],
    ["? ? ? ? ?", {}],
    ["  *\t* \u00a0* * *\n", {}],
    ["5 4 * * *", { minutes: [5], hours: [4] }],
    ["+05 007 * * *", { minutes: [5], hours: [7] }],
    ["*/15 8-18/5 * * *", { minutes: [0, 15, 30, 45], hours: [8, 13, 18] }],
    ["50/4 * * * *", { minutes: [50, 54, 58] }],
    ["30,10,10-12,,1/99 * * * *", { minutes: [1, 10, 11, 12, 30] }],
    [", * * * *", { minutes: [] }],
    ["*-3 * * * *", {}],
    ["* * */1 * ?/1", {}],
    ["* * 1-31 * 0-6", { anyDayOfMonth: false, anyDayOfWeek: false }],
    ["* * */2 * *", { daysOfMonth: range(1, 31, 2), anyDayOfMonth: false }],
    ["* * 5,* * *", {}],
    ["* * * JAN,feb-Apr sUn-tue", { months: [1, 2, 3, 4], daysOfWeek: [0, 1, 2], anyDayOfWeek: false }],
    ["*/20 1 2 3 4 5", { ...fixed(1, 2, 3, 4, 5), seconds: [0, 20, 40] }],
    ["@yearly", { ...fixed(0, 0, 1, 1), daysOfWeek: range(0, 6), anyDayOfWeek: true }],
    ["@annually", { ...fixed(0, 0, 1, 1), daysOfWeek: range(0, 6), anyDayOfWeek: true }],
    ["@monthly", { minutes: [0], hours: [0], daysOfMonth: [1], anyDayOfMonth: false }],
    ["@weekly", { minutes: [0], hours: [0], daysOfWeek: [0], anyDayOfWeek: false }],
    ["@daily", { minutes: [0], hours: [0] }],
    ["@midnight", { minutes: [0], hours: [0] }],
    ["@hourly", { minutes: [0] }],
  ])('"%s" is read as robfig reads it', (spec, differs) => {
    expect(parseCronSpec(spec)).toEqual({ ...always, ...differs });
  });

  test.each([
    ["@every 1h30m", 5400],
    ["@every 1.5s", 1],
    ["@every 0", 1],
    ["@every -5m", 1],
    ["@every 1m1s999ms", 61],
  ])('"%s" is an interval of whole seconds, at least one', (spec, everySec) => {
    expect(parseCronSpec(spec, "Asia/Kathmandu")).toEqual({ kind: "every", everySec, timeZone: "Asia/Kathmandu" });
  });

  test.each([
    ["* * * * *", "Europe/Berlin", "Europe/Berlin"],
    ["* * * * *", "", "UTC"],
    ["TZ=Asia/Tokyo * * * * *", "Europe/Berlin", "Asia/Tokyo"],
    ["CRON_TZ=Asia/Tokyo   @daily  ", "Europe/Berlin", "Asia/Tokyo"],
    ["TZ= @daily", "Europe/Berlin", "UTC"],
    ["TZ=Local @daily", "Europe/Berlin", "Europe/Berlin"],
    ["TZ=Europe/Kiev @daily", "UTC", "Europe/Kiev"],
    ["TZ=UCT @daily", "UTC", "UCT"],
  ])('"%s" in %s is of the time zone %s', (spec, given, timeZone) => {
    expect(parseCronSpec(spec, given).timeZone).toBe(timeZone);
  });

  test.each([
    ["", "empty spec string"],
    ["* * * *", "expected 5 to 6 fields, found 4: [* * * *]"],
    ["TZ=UTC ", "expected 5 to 6 fields, found 0: []"],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["* * * * 7", "end of range (7) above maximum (6): 7"],
    ["5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"],
    ["60/2 * * * *", "beginning of range (60) beyond end of range (59): 60/2"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["1/2/3 * * * *", "too many slashes: 1/2/3"],
    ["-1 * * * *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
    ["*/-1 * * * *", "negative number (-1) not allowed: -1"],
    ["x\u200b\\ * * * *", 'failed to parse int from x\u200b\\: strconv.Atoi: parsing "x\\u200b\\\\": invalid syntax'],
    ["9223372036854775807 * * * *", "end of range (9223372036854775807) above maximum (59): 9223372036854775807"],
    [
      "9223372036854775808 * * * *",
      'failed to parse int from 9223372036854775808: strconv.Atoi: parsing "9223372036854775808": value out of range',
    ],
    ["* * * mon *", 'failed to parse int from mon: strconv.Atoi: parsing "mon": invalid syntax'],
    ["@Daily", "unrecognized descriptor: @Daily"],
    ["@daily ", "unrecognized descriptor: @daily "],
    ["@every", "unrecognized descriptor: @every"],
    ["@every 5", 'failed to parse duration @every 5: time: missing unit in duration "5"'],
    ["TZ=Mars/Olympus @daily", "provided bad location Mars/Olympus: unknown time zone Mars/Olympus"],
    ["TZ=europe/berlin @daily", "provided bad location europe/berlin: unknown time zone europe/berlin"],
    ["TZ=+01:00 @daily", "provided bad location +01:00: unknown time zone +01:00"],
    ["TZ=../UTC @daily", "provided bad location ../UTC: time: invalid location name"],
    ["TZ=Asia/Tokyo", "provided bad location Asia/Tokyo: no space after it"],
  ])('"%s" is refused: %s', (spec, why) => {
    expect(whyNot(spec)).toBe(why);
  });

  test("is refused when it is to be read in a time zone that nobody knows", () => {
    expect(whyNot("@daily", "Local")).toBe("provided bad location Local: unknown time zone Local");
  });
});

function fixed(minute: number, hour: number, dayOfMonth: number, month: number, dayOfWeek = 0): Partial<CronFields> {
  return {
    ...{ minutes: [minute], hours: [hour], daysOfMonth: [dayOfMonth], months: [month], daysOfWeek: [dayOfWeek] },
    ...{ anyDayOfMonth: false, anyDayOfWeek: false },
  };
}
