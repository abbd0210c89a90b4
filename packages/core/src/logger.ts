import type { Clock } from "./clock.ts";
import { InvalidOptionError } from "./errors.ts";

/** What is said beside the message: ids, counts, error texts; never a payload, a header value or a secret. */
export type LogDetails = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where the log of a server or scheduler goes; `console` is one too. A logger that throws stops nothing. Asynq: `Logger`. */
export interface Logger {
  debug(message: string, details?: LogDetails): void;
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
  error(message: string, details?: LogDetails): void;
}

const levels = ["debug", "info", "warn", "error", "fatal"] as const;

/** From which level on it logs; `fatal` is silence, since a library ends no process. Asynq: `LogLevel`. */
export type LogLevel = (typeof levels)[number];

/**
 * Writes lines in Asynq's format: `asynq: pid=4242 2026/01/02 03:04:05.000000 INFO: Starting processing`.
 * @see Asynq internal/log/log.go
 */
export function lineLogger(clock: Clock, pid: number, writeLine: (line: string) => void): Logger {
  const write =
    (level: string) =>
    (message: string, details: LogDetails = {}): void => {
      const time = new Date(clock.nowMs()).toISOString().replaceAll("-", "/").replace("T", " ").replace("Z", "000");
      const words = Object.entries(details).flatMap(([key, value]) => (value === undefined ? [] : ` ${key}=${JSON.stringify(value)}`));
      writeLine(`asynq: pid=${pid} ${time} ${level}: ${message}${words.join("")}\n`);
    };
  return { debug: write("DEBUG"), info: write("INFO"), warn: write("WARN"), error: write("ERROR") };
}

/** Passes on what is at `level` or above, and survives a logger that throws. */
export function leveled(logger: Logger, level: LogLevel): Logger {
  const pass = (of: Exclude<LogLevel, "fatal">): Logger["info"] => {
    if (levels.indexOf(of) < levels.indexOf(level)) return () => {};
    return (message, details) => {
      try {
        if (details === undefined) logger[of](message);
        else logger[of](message, details);
      } catch {
        // A log line is not worth a task.
      }
    };
  };
  return { debug: pass("debug"), info: pass("info"), warn: pass("warn"), error: pass("error") };
}

/**
 * Reads a level as Asynq's flag does: any case, `warning` for `warn`.
 * @throws {InvalidOptionError}
 */
export function parseLogLevel(text: string): LogLevel {
  const word = String(text).toLowerCase();
  const level = levels.find((name) => name === (word === "warning" ? "warn" : word));
  if (level === undefined) throw new InvalidOptionError("logLevel", `expected one of ${levels.join(", ")}`);
  return level;
}

/** Says a thing at most once every `everyMs`, with how often it was kept quiet since: what fails in a loop must not flood the log. */
export function seldom(clock: Clock, log: Logger["info"], everyMs = 3_000): Logger["info"] {
  let nextMs = Number.NEGATIVE_INFINITY;
  let quiet = 0;
  return (message, details) => {
    const nowMs = clock.monotonicMs();
    if (nowMs < nextMs) {
      quiet++;
      return;
    }
    log(message, quiet === 0 ? details : { ...details, alsoSuppressed: quiet });
    nextMs = nowMs + everyMs;
    quiet = 0;
  };
}
