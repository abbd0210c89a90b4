#!/usr/bin/env node
/** `asynqjs-cron`: runs what is due, once or every so often until SIGTERM or SIGINT, and prints what it did. */
import { AsynqError, type RedisPort, sleep, systemClock } from "@asynqjs/core";
import { type BinOptions, readBinOptions, usage } from "./bin-options.ts";
import { connectIoredis } from "./connect-ioredis.ts";
import { tellFailures, tellReport } from "./tell-report.ts";
import { runSetup } from "./tick-setup.ts";
import type { TickName } from "./timetable.ts";

const stopping = new AbortController();
const lastSecs = new Map<TickName, number>();

/** Answers whether all ticks ran. */
async function runOnce(redis: RedisPort, { ticks, queues, budgetMs, limits }: BinOptions): Promise<boolean> {
  const report = await runSetup({ redis, ticks, queues, budgetMs, limits, lastSecs, signal: stopping.signal });
  console.log(tellReport(report));
  if (report.failed.length > 0) console.error(`asynqjs-cron: ${tellFailures(report.failed)}`);
  return report.failed.length === 0;
}

/** From its start on at every multiple of the interval; what goes wrong is said, and tried again the next time. */
async function runOn(redis: RedisPort, options: BinOptions, everyMs: number): Promise<void> {
  const startMs = systemClock.monotonicMs();
  while (!stopping.signal.aborted) {
    await runOnce(redis, options).catch(complain);
    const passedMs = systemClock.monotonicMs() - startMs;
    await sleep(systemClock, everyMs - (passedMs % everyMs), stopping.signal);
  }
}

async function main(): Promise<number> {
  const options = readBinOptions(process.argv.slice(2), process.env);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const redis = await connectIoredis(options.redis, { timeoutMs: options.timeoutMs });
  const stop = (): void => {
    // A second signal finds no listener and ends the process at once.
    process.off("SIGTERM", stop).off("SIGINT", stop);
    stopping.abort();
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  try {
    if (options.everyMs === undefined) return (await runOnce(redis, options)) ? 0 : 1;
    await runOn(redis, options, options.everyMs);
    return 0;
  } finally {
    process.off("SIGTERM", stop).off("SIGINT", stop);
    await redis.close();
  }
}

function complain(error: Error): void {
  console.error(`asynqjs-cron: ${error.message}`);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    complain(error);
    process.exitCode = error instanceof TypeError || (error instanceof AsynqError && error.code === "INVALID_OPTION") ? 2 : 1;
  },
);
