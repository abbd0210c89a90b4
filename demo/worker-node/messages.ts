/** What the worker tells the process that started it. */
export type WorkerMessage = { readonly kind: "ready" } | RunMessage;

/** A handler ended. */
export interface RunMessage {
  readonly kind: "run";
  readonly type: string;
  readonly queue: string;
  readonly outcome: "done" | "retry" | "archived";
  /** What was done, or what went wrong. */
  readonly what: string;
  /** How many failures were counted before, and how many are allowed. */
  readonly retryCount: number;
  readonly maxRetry: number;
  readonly tookMs: number;
}

/** Tells it; without effect when nobody started us who listens. */
export function tell(message: WorkerMessage): void {
  // Who listened may be gone since; that ends us elsewhere.
  process.send?.(message, undefined, undefined, () => {});
}
