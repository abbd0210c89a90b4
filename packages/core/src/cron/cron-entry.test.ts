import { describe, expect, test } from "vitest";
import { type CronEntry, type CronEntryOptions, checkCronEntry, decodeCronEntry, encodeCronEntry, sayTheSame } from "./cron-entry.ts";

const given: CronEntryOptions = { id: "report", spec: "0 2 * * *", type: "report:send" };
const entry: CronEntry = {
  ...checkCronEntry({
    ...given,
    payload: Uint8Array.from({ length: 256 }, (_, i) => i),
    headers: { tenant: "grüße" },
    options: { maxRetry: 3, timeoutSec: 60, deadline: new Date(5_000), uniqueTtlSec: 9, processInSec: 2, retentionSec: 1, group: "g" },
    owner: "deploy",
  }),
  version: "v1",
  sinceSec: 7,
  epoch: 2,
  from: ["earlier"],
  removed: false,
};

describe("a cron entry", () => {
  test("has defaults for all but its id, its spec and its type", () => {
    expect(checkCronEntry(given)).toEqual({
      ...given,
      timeZone: "UTC",
      payload: undefined,
      headers: undefined,
      queue: "default",
      options: {},
      catchUp: "one",
      windowSec: 86_400,
      overlap: "allow",
      jitterSec: 0,
      paused: false,
      owner: undefined,
    });
  });

  test("is stored as text, any bytes of its payload in it, and read as it was", () => {
    expect(decodeCronEntry(encodeCronEntry(entry))).toEqual(entry);
    const { payload: _, ...bare } = entry;
    const without = { ...bare, payload: undefined, options: {}, headers: undefined };
    expect(decodeCronEntry(encodeCronEntry(without))).toEqual(without);
  });

  test.each<[option: string, change: object]>([
    ["id", { id: "a{b}" }],
    ["id", { id: "i".repeat(201) }],
    ["spec", { spec: 5 }],
    ["timeZone", { timeZone: 5 }],
    ["type", { type: " " }],
    ["queue", { queue: "" }],
    ["catchUp", { catchUp: "some" }],
    ["overlap", { overlap: "maybe" }],
    ["windowSec", { windowSec: -1 }],
    ["jitterSec", { jitterSec: 0.5 }],
    ["paused", { paused: 1 }],
    ["owner", { owner: "" }],
    ["maxRetry", { options: { maxRetry: 0.5 } }],
    ["uniqueTtlSec", { options: { uniqueTtlSec: 0 } }],
    ["headers", { headers: { a: 1 } }],
  ])("is refused for a bad %s, by name", (option, change) => {
    expect(() => checkCronEntry({ ...given, ...change } as CronEntryOptions)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option }),
    );
  });

  test("is refused for a spec or a zone that cannot be read", () => {
    expect(() => checkCronEntry({ ...given, spec: "* * *" })).toThrow(expect.objectContaining({ code: "CRON_SPEC" }));
    expect(() => checkCronEntry({ ...given, timeZone: "Nowhere/None" })).toThrow(expect.objectContaining({ code: "CRON_SPEC" }));
  });

  test.each([
    "",
    "v1",
    'v1\n{"id":"report"',
    "v1\nnull",
    encodeCronEntry(entry).replace('"epoch":2', '"epoch":"two"'),
    encodeCronEntry(entry).slice(2),
  ])("that was stored otherwise is told from one that can be read: %j", (text) => {
    expect(() => decodeCronEntry(text)).toThrow(expect.objectContaining({ code: "DECODE", message: expect.not.stringContaining("grüße") }));
  });

  test("says the same as another whatever the order its headers and options were given in, and nothing else", () => {
    const one = checkCronEntry({ ...given, payload: "p", headers: { a: "1", b: "2" }, options: { maxRetry: 1, group: "g" } });
    const other = checkCronEntry({ ...given, payload: "p", headers: { b: "2", a: "1" }, options: { group: "g", maxRetry: 1 } });

    expect(sayTheSame(one, other)).toBe(true);
    expect(sayTheSame(one, { ...other, payload: undefined })).toBe(false);
    expect(sayTheSame(one, { ...other, options: { group: "g" } })).toBe(false);
    expect(sayTheSame(one, { ...other, paused: true })).toBe(false);
  });
});
