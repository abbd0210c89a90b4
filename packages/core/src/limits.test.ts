import { expect, test } from "vitest";
import { checkLimits } from "./limits.ts";

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
