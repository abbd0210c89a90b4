import { type Clock, type Logger, lineLogger } from "@asynqjs/core";

/** Asynq's lines on stderr. */
export function stderrLogger(clock: Clock): Logger {
  return lineLogger(clock, process.pid, (line) => process.stderr.write(line));
}
