#!/usr/bin/env node
/** Runs maintenance once and prints what it did: for a crontab, a systemd timer, a Kubernetes CronJob. */
import { parseArgs } from "node:util";
import { type AsynqError, checkLimits, correctedClock, makeBroker, systemClock, systemRandom } from "@asynqjs/core";
import { connectIoredis } from "./connect-ioredis.ts";
import { runTicks, type TickName, tickNames } from "./run-ticks.ts";

const help = `asynqjs-tick: runs Asynq's maintenance once and prints a report as JSON

  asynqjs-tick [forward] [recover] [janitor] [repair] [OPTION]...

  --redis URI     where Redis is; default: $ASYNQ_REDIS_URL, else redis://127.0.0.1:6379
  --queue NAME    serve this queue only; may be repeated; default: all queues
  --budget-ms N   how long each tick may take on more work; default 10000
  --timeout-ms N  how long to wait for Redis to answer; default 10000

What is kept, as your servers have it set; the lowest wins:
  --archive-max-age-sec N  how long an archived task; default 90 days
  --archive-max-size N     up to how many archived tasks of a queue; default 10000
  --completed-max-size N   up to how many completed tasks of a queue; default any number

Exits 0 when all ticks ran, 1 when Redis could not be reached or refused, 2 on bad arguments.`;

const options = {
  redis: { type: "string" },
  queue: { type: "string", multiple: true },
  "budget-ms": { type: "string" },
  "timeout-ms": { type: "string" },
  "archive-max-age-sec": { type: "string" },
  "archive-max-size": { type: "string" },
  "completed-max-size": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const unknown = positionals.find((name) => !tickNames.includes(name as TickName));
  const budgetMs = milliseconds("budget-ms", values["budget-ms"]);
  const timeoutMs = milliseconds("timeout-ms", values["timeout-ms"]);
  if (unknown !== undefined) throw new TypeError(`unknown tick "${unknown}"; expected one of ${tickNames.join(", ")}`);
  const limits = checkLimits({
    archiveMaxAgeSec: count(values["archive-max-age-sec"]),
    archiveMaxSize: count(values["archive-max-size"]),
    completedMaxSize: count(values["completed-max-size"]),
  });

  const redis = await connectIoredis(values.redis ?? process.env.ASYNQ_REDIS_URL ?? "redis://127.0.0.1:6379", { timeoutMs });
  try {
    const report = await runTicks(makeBroker({ redis, clock: correctedClock(systemClock), random: systemRandom, limits }), {
      ticks: positionals.length === 0 ? tickNames : (positionals as TickName[]),
      queues: values.queue,
      budgetMs,
    });
    console.log(JSON.stringify(report, (_, value) => (value instanceof Error ? value.message : value)));
    return Object.values(report).some(({ errors }) => errors.length > 0) ? 1 : 0;
  } finally {
    await redis.close();
  }
}

/** Nonsense becomes NaN, which the check of the limits refuses by name. */
function count(text: string | undefined): number | undefined {
  return text === undefined ? undefined : text.trim() === "" ? Number.NaN : Number(text);
}

function milliseconds(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0)) throw new TypeError(`--${flag} expects a number of milliseconds`);
  return value;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error & Partial<Pick<AsynqError, "code">>) => {
    console.error(`asynqjs-tick: ${error.message}`);
    process.exitCode = error instanceof TypeError || error.code === "INVALID_OPTION" ? 2 : 1;
  },
);
