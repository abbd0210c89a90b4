import { describe, expect, test } from "vitest";
import { runDeadlineMs } from "./task-deadline.ts";

describe("runDeadlineMs", () => {
  test.each([
    ["by the timeout", { timeoutSec: 10 }, 11_500],
    ["by the deadline", { deadlineSec: 60 }, 60_000],
    ["by the timeout when it is earlier", { timeoutSec: 10, deadlineSec: 60 }, 11_500],
    ["by the deadline when it is earlier", { timeoutSec: 100, deadlineSec: 60 }, 60_000],
    ["half an hour when the message says nothing", {}, 1_801_500],
    ["before it began, by a timeout below zero", { timeoutSec: -5 }, -3_500],
  ])("is %s", (_, message, deadlineMs) => {
    expect(runDeadlineMs(message, 1_500)).toBe(deadlineMs);
  });
});
