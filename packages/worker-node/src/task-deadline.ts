import { defaultTimeoutSec, type TaskMessage } from "@asynqjs/core";

/**
 * When a run that starts now must be over, epoch milliseconds: by its timeout or its deadline, whichever comes first; 30 minutes where the
 * message has neither, which no client writes. A timeout below zero is over at once, as in Asynq.
 * @see Asynq processor.go, `computeDeadline`
 */
export function runDeadlineMs({ timeoutSec, deadlineSec }: Pick<TaskMessage, "timeoutSec" | "deadlineSec">, nowMs: number): number {
  if (timeoutSec === undefined && deadlineSec === undefined) return nowMs + defaultTimeoutSec * 1000;
  const byTimeoutMs = timeoutSec === undefined ? Number.POSITIVE_INFINITY : nowMs + timeoutSec * 1000;
  const byDeadlineMs = deadlineSec === undefined ? Number.POSITIVE_INFINITY : deadlineSec * 1000;
  return Math.min(byTimeoutMs, byDeadlineMs);
}
