import { availableParallelism } from "node:os";
import { InvalidOptionError } from "@asynqjs/core";
import { describe, expect, test } from "vitest";
import { type Config, checkConfig } from "./config.ts";

describe("checkConfig", () => {
  test("fills in Asynq's defaults", () => {
    expect(checkConfig({})).toMatchObject({
      concurrency: availableParallelism(),
      queues: { default: 1 },
      strictPriority: false,
      shutdownTimeoutMs: 8_000,
      taskCheckIntervalMs: 1_000,
      forwardIntervalMs: 5_000,
      recoverIntervalMs: 60_000,
      groupAggregator: undefined,
      groupGracePeriodMs: 60_000,
      groupMaxDelayMs: 0,
      groupMaxSize: 0,
      janitorIntervalMs: 8_000,
      janitorBatchSize: 100,
      limits: { archiveMaxAgeSec: 90 * 24 * 3600, archiveMaxSize: 10_000, completedMaxSize: undefined },
      heartbeatIntervalMs: 5_000,
      abortGraceMs: 1_000,
      maxLeaked: availableParallelism(),
      recoverNoRetry: false,
      onCancel: "retry",
      healthCheckIntervalMs: 15_000,
      handBackUnknown: false,
      catchStrayRejections: false,
    });
  });

  test("reads a concurrency below 1 as the number of CPUs, and leaves out blank queues and priorities below 1, as Asynq does", () => {
    expect(checkConfig({ concurrency: -3, queues: { " ": 1, off: 0, on: 2 } })).toMatchObject({
      concurrency: availableParallelism(),
      queues: { on: 2 },
    });
    expect(checkConfig({ queues: { off: -1 } }).queues).toEqual({ default: 1 });
  });

  test("the default delay is Asynq's n⁴ + 15 + r·(n+1) seconds", () => {
    const { retryDelayMs } = checkConfig({ random: { float: () => 0.999, bytes: (length) => new Uint8Array(length) } });

    expect([0, 1, 2, 3].map((retried) => retryDelayMs(retried, undefined, undefined as never) / 1000)).toEqual([44, 74, 118, 212]);
  });

  test.each<[string, Config]>([
    ["concurrency", { concurrency: 1.5 }],
    ["queues", { queues: { a: 1.5 } }],
    ["queues", { queues: ["a"] as never }],
    ["strictPriority", { strictPriority: 1 as never }],
    ["retryDelayFunc", { retryDelayFunc: 5 as never }],
    ["isFailure", { isFailure: true as never }],
    ["errorHandler", { errorHandler: {} as never }],
    ["logger", { logger: { info: () => {} } as never }],
    ["durability", { durability: "always" as never }],
    ["replicas", { replicas: 0 }],
    ["onCancel", { onCancel: "drop" as never }],
    ["healthCheckFunc", { healthCheckFunc: 5 as never }],
    ["healthCheckIntervalMs", { healthCheckIntervalMs: 0 }],
    ["logLevel", { logLevel: "loud" as never }],
    ["shutdownTimeoutMs", { shutdownTimeoutMs: Number.NaN }],
    ["taskCheckIntervalMs", { taskCheckIntervalMs: 0 }],
    ["delayedTaskCheckIntervalMs", { delayedTaskCheckIntervalMs: -1 }],
    ["recoverIntervalMs", { recoverIntervalMs: "1m" as never }],
    ["groupAggregator", { groupAggregator: {} as never }],
    ["groupGracePeriodMs", { groupGracePeriodMs: 999 }],
    ["groupMaxDelayMs", { groupMaxDelayMs: -1 }],
    ["groupMaxSize", { groupMaxSize: 2.5 }],
    ["janitorIntervalMs", { janitorIntervalMs: 0 }],
    ["janitorBatchSize", { janitorBatchSize: 1_001 }],
    ["archiveMaxAgeSec", { archiveMaxAgeSec: 0 }],
    ["archiveMaxSize", { archiveMaxSize: 0 }],
    ["completedMaxSize", { completedMaxSize: -1 }],
    ["heartbeatIntervalMs", { heartbeatIntervalMs: 10_001 }],
    ["abortGraceMs", { abortGraceMs: -1 }],
    ["maxLeaked", { maxLeaked: 0 }],
  ])("refuses a bad %s and names it", (option, config) => {
    expect(() => checkConfig(config)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
    expect(() => checkConfig(config)).toThrow(InvalidOptionError);
  });

  test("takes a level in any case, and warning for warn", () => {
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const { logger } = checkConfig({ logger: { debug: say, info: say, warn: say, error: say }, logLevel: "WARNING" as never });

    logger.info("quiet");
    logger.warn("loud");

    expect(lines).toEqual(["loud"]);
  });
});
