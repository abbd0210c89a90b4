import { expect, test } from "vitest";
import { checkLimits, defaultLimits, limitsOf } from "./limits.ts";

test("are Asynq's where a broker has none", () => {
  expect(limitsOf({})).toBe(defaultLimits);
  expect(defaultLimits).toEqual({ archiveMaxAgeSec: 7_776_000, archiveMaxSize: 10_000 });
  const limits = { archiveMaxAgeSec: 1, archiveMaxSize: 2 };
  expect(limitsOf({ limits })).toBe(limits);
});

test.each([
  [{ archiveMaxAgeSec: 0 }, "invalid archiveMaxAgeSec: expected a whole number of seconds from 1"],
  [{ archiveMaxSize: 0 }, "invalid archiveMaxSize: expected a whole number of tasks from 1"],
  [{ completedMaxSize: -1 }, "invalid completedMaxSize: expected a whole number of tasks from 0"],
])("refuses %o and says what it expects", (limits, why) => {
  expect(() => checkLimits(limits)).toThrow(why);
});

test("fills in Asynq's limits", () => {
  expect(checkLimits({})).toEqual({ archiveMaxAgeSec: 90 * 24 * 3600, archiveMaxSize: 10_000, completedMaxSize: undefined });
  expect(checkLimits({ archiveMaxAgeSec: 60, archiveMaxSize: 1, completedMaxSize: 0 })).toEqual({
    archiveMaxAgeSec: 60,
    archiveMaxSize: 1,
    completedMaxSize: 0,
  });
});

test.for([{ archiveMaxAgeSec: 0 }, { archiveMaxSize: 1.5 }, { completedMaxSize: -1 }, { archiveMaxSize: Number.POSITIVE_INFINITY }])(
  "refuses %o and names the option",
  (limits) => {
    expect(() => checkLimits(limits)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option: Object.keys(limits)[0] }));
  },
);
