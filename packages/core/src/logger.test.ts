import { describe, expect, test } from "vitest";
import { leveled, lineLogger, seldom } from "./logger.ts";
import { manualClock } from "./testing/manual-clock.ts";

describe("lineLogger", () => {
  test("writes Asynq's line", () => {
    const lines: string[] = [];
    const logger = lineLogger(manualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 67)), 4242, (line) => lines.push(line));

    logger.warn("lease lost", { queue: 'a"b', id: undefined, count: 2 });

    expect(lines).toEqual([`asynq: pid=4242 2026/01/02 03:04:05.067000 WARN: lease lost queue="a\\"b" count=2\n`]);
  });
});

describe("leveled", () => {
  test("passes on what is at its level or above; fatal is silence", () => {
    const said: string[] = [];
    const say = (message: string): void => void said.push(message);
    const parts = { debug: say, info: say, warn: say, error: say };

    for (const level of ["debug", "info", "warn", "error", "fatal"] as const) {
      const logger = leveled(parts, level);
      for (const of of ["debug", "info", "warn", "error"] as const) logger[of](`${of} at ${level}`);
    }

    expect(said).toEqual([
      ...["debug at debug", "info at debug", "warn at debug", "error at debug"],
      ...["info at info", "warn at info", "error at info"],
      ...["warn at warn", "error at warn"],
      "error at error",
    ]);
  });

  test("survives a logger that throws", () => {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const logger = leveled({ debug: fail, info: fail, warn: fail, error: fail }, "debug");

    expect(() => logger.error("x")).not.toThrow();
  });
});

describe("seldom", () => {
  test("says a thing once in its time, and then how often it kept quiet", async () => {
    const clock = manualClock();
    const said: unknown[] = [];
    const say = seldom(clock, (message, details) => void said.push([message, details]), 3_000);

    say("a");
    say("b");
    await clock.advance(2_999);
    say("c");
    await clock.advance(1);
    say("d", { x: 1 });

    expect(said).toEqual([
      ["a", undefined],
      ["d", { x: 1, alsoSuppressed: 2 }],
    ]);
  });
});
