import { AsynqError } from "@asynqjs/core";
import type { FailedTick, TicksReport } from "./run-ticks.ts";

/** A report as one line of JSON. Errors are their code and message; what ours say names queues and ids, never a payload or a secret. */
export function tellReport(report: TicksReport): string {
  return JSON.stringify(report, (_, value) => (value instanceof Error ? tellError(value) : value));
}

/** What went wrong, in one line, for whoever looks why an invocation failed. */
export function tellFailures(failed: readonly FailedTick[]): string {
  return failed
    .map(({ tick, error, ...place }) => {
      const where = (["queue", "group", "entry"] as const).flatMap((kind) => (place[kind] ? `${kind} "${place[kind]}"` : []));
      return `${tick}${where.length > 0 ? ` of ${where.join(", ")}` : ""} failed: ${tellError(error).message}`;
    })
    .join("; ");
}

/** An error that is not ours may say anything. */
export function tellError(error: unknown): { readonly code?: string; readonly message: string } {
  return error instanceof AsynqError
    ? { code: error.code, message: error.message }
    : { message: error instanceof Error ? error.name : "failed" };
}
