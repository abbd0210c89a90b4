import { parseArgs } from "node:util";
import { checkLimits, InvalidOptionError, type Limits } from "@asynqjs/core";
import { type TickName, tickNames } from "./timetable.ts";

/** What the command line asks for. */
export interface BinOptions {
  readonly redis: string;
  /** Absent: those that are due by the timetable. */
  readonly ticks: readonly TickName[] | undefined;
  readonly queues: readonly string[] | undefined;
  /** Absent: it runs once. */
  readonly everyMs: number | undefined;
  readonly budgetMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly limits: Limits;
}

/** The ticks that need nothing of yours. */
const names: readonly TickName[] = tickNames.filter((tick) => tick !== "aggregate");

/** The text of `--help`. */
export const usage = `Usage: asynqjs-cron [TICK]... [options]

Runs Asynq's maintenance and prints a report as JSON, one line a run: once, for a crontab, a systemd timer or a Kubernetes CronJob, or every
so often until it is told to stop. Runs what is due, or the ticks named: ${names.join(", ")}.

  --redis URI     where Redis is                               (default $ASYNQ_REDIS_URL, else redis://127.0.0.1:6379)
  --queue NAME    serve this queue only; may be repeated       (default: all queues)
  --every TIME    run every so often: 10s, 500ms, 1m
  --every-ms N    the same in milliseconds
  --budget-ms N   how long a run may take on more              (default 50000)
  --timeout-ms N  how long to wait for Redis to answer         (default 10000)

What is kept, as your servers have it set; the lowest wins:
  --archive-max-age-sec N  how long an archived task           (default 90 days)
  --archive-max-size N     up to how many archived tasks of a queue (default 10000)
  --completed-max-size N   up to how many completed tasks of a queue (default any number)

Exit codes: 0 all ticks ran, or stopped by a signal; 1 a tick failed, or Redis could not be reached; 2 wrong usage.`;

const flags = {
  redis: { type: "string" },
  queue: { type: "string", multiple: true },
  every: { type: "string" },
  "every-ms": { type: "string" },
  "budget-ms": { type: "string" },
  "timeout-ms": { type: "string" },
  "archive-max-age-sec": { type: "string" },
  "archive-max-size": { type: "string" },
  "completed-max-size": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/**
 * Reads the command line; `undefined` is a call for help.
 * @throws {TypeError} a flag or a tick that there is not
 * @throws {InvalidOptionError} a value that cannot be used
 */
export function readBinOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): BinOptions | undefined {
  const { values, positionals } = parseArgs({ args: [...args], options: flags, allowPositionals: true });
  if (values.help) return undefined;
  const unknown = positionals.find((name) => !names.includes(name as TickName));
  if (unknown !== undefined) throw new TypeError(`unknown tick "${unknown}"; expected one of ${names.join(", ")}`);
  return {
    redis: values.redis ?? env.ASYNQ_REDIS_URL ?? "redis://127.0.0.1:6379",
    ticks: positionals.length === 0 ? undefined : (positionals as TickName[]),
    queues: values.queue,
    everyMs: readTime(values.every) ?? number("--every-ms", values["every-ms"], 1),
    budgetMs: number("--budget-ms", values["budget-ms"], 0),
    timeoutMs: number("--timeout-ms", values["timeout-ms"], 1),
    limits: checkLimits({
      archiveMaxAgeSec: number("--archive-max-age-sec", values["archive-max-age-sec"], 0),
      archiveMaxSize: number("--archive-max-size", values["archive-max-size"], 0),
      completedMaxSize: number("--completed-max-size", values["completed-max-size"], 0),
    }),
  };
}

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const timeMs = Number(count) * units[unit as keyof typeof units];
  if (!(timeMs > 0)) throw new InvalidOptionError("--every", "expected a time such as 10s, 500ms or 1m");
  return timeMs;
}

function number(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text) || Number(text) < least) throw new InvalidOptionError(flag, `expected a whole number from ${least}`);
  return Number(text);
}
