import { describe, expect, test } from "vitest";
import { readBinOptions, usage } from "./bin-options.ts";

describe("readBinOptions", () => {
  test("knows where Redis is without being told, and from the environment", () => {
    expect(readBinOptions([], {})).toMatchObject({ redis: "redis://127.0.0.1:6379", ticks: undefined, everyMs: undefined });
    expect(readBinOptions([], { ASYNQ_REDIS_URL: "redis://r" })!.redis).toBe("redis://r");
    expect(readBinOptions(["--redis", "redis://s"], { ASYNQ_REDIS_URL: "redis://r" })!.redis).toBe("redis://s");
  });

  test("reads ticks, queues, intervals and limits", () => {
    const args = "recover forward --queue a --queue b --budget-ms 5 --timeout-ms 6 --archive-max-size 7";
    expect(readBinOptions(args.split(" "), {})).toMatchObject({
      ticks: ["recover", "forward"],
      queues: ["a", "b"],
      budgetMs: 5,
      timeoutMs: 6,
      limits: { archiveMaxSize: 7 },
    });
    const every = (...args: string[]) => readBinOptions(args, {})!.everyMs;
    expect(["10s", "500ms", "2m", "1h"].map((time) => every("--every", time))).toEqual([10_000, 500, 120_000, 3_600_000]);
    expect(every("--every-ms", "250")).toBe(250);
  });

  test.for([
    [["--every", "0s"], "--every"],
    [["--every", "10"], "--every"],
    [["--every", "1.5s"], "--every"],
    [["--every-ms", "0"], "--every-ms"],
    [["--budget-ms", ""], "--budget-ms"],
    [["--timeout-ms", "-1"], "'--timeout-ms"],
    [["--archive-max-size", "many"], "--archive-max-size"],
    [["--nonsense"], "'--nonsense'"],
    [["aggregate"], '"aggregate"'],
  ] as const)("refuses %s and names it", ([args, named]) => {
    expect(() => readBinOptions(args, {})).toThrow(named);
  });

  test("asked for help it reads nothing else", () => {
    expect(readBinOptions(["--help", "fly"], {})).toBeUndefined();
    expect(usage).toContain("asynqjs-cron [TICK]... [options]");
  });
});
