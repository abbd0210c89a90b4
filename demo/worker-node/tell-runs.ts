import type { Middleware } from "@asynqjs/worker-node";
import { type RunMessage, tell } from "./messages.ts";

/** A middleware: what it does before and after `next` happens around every task. This one tells how each run ended. */
export const tellRuns: Middleware = (next) => async (task) => {
  const startMs = performance.now();
  const told = (outcome: RunMessage["outcome"], what: string): void => {
    const { type, queue, retryCount, maxRetry } = task;
    tell({ kind: "run", type, queue, outcome, what, retryCount, maxRetry, tookMs: Math.round(performance.now() - startMs) });
  };
  try {
    told("done", String(await next(task)));
  } catch (error) {
    const { message, code } = error as Error & { readonly code?: string };
    told(code === "SKIP_RETRY" || task.retryCount >= task.maxRetry ? "archived" : "retry", message);
    throw error;
  }
};
