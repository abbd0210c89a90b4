/** What a server counts from its construction on. */
const counters = [
  /** Handlers called. */
  "started",
  /** Outcomes that are written, by kind: `completed` is kept for its retention, `done` is gone. */
  "done",
  "completed",
  "retried",
  "archived",
  "revoked",
  "requeued",
  "quarantined",
  /** Retries that were charged: `retried` less those that `isFailure` let off, and what was archived. */
  "failed",
  /** Outcomes refused because the task belonged to someone else by then, or was settled. */
  "leaseLost",
  /** Tasks whose lease ended here, Redis not having answered in time: nothing was written. */
  "leaseExpired",
  /** Outcomes that Redis refused or did not answer until the lease's end: the recoverer takes over. */
  "unsettled",
  /** Ids whose hash was gone, dropped on the way. */
  "dangling",
  /** Archived tasks deleted because the archive was full or they were too old. */
  "trimmed",
  /** Suspects put off, since one runs at a time. */
  "putOff",
  /** Handlers still running when their outcome was due; see the gauge `leaked` for how many still do. */
  "leaks",
  /** Errors that a function of yours threw: `errorHandler`, `isFailure`, `retryDelayFunc`. */
  "callbackErrors",
  /** Calls that failed, by component. */
  "dequeueErrors",
  "settleErrors",
  "extendErrors",
  "forwardErrors",
  "recoverErrors",
  /** What the forwarder and the recoverer of this server did. */
  "forwarded",
  "recovered",
  "recoveredArchived",
] as const;

export type Counter = (typeof counters)[number];

/** Counts since the server was made, and how things stand now. */
export type Metrics = Readonly<Record<Counter, number>> & {
  /** Slots taken: running, waiting for its outcome to be written, or leaked. */
  readonly busy: number;
  /** Handlers that run on although their task's outcome is written or lost. */
  readonly leaked: number;
  /** Outcomes not yet answered by Redis. */
  readonly unsettledNow: number;
  /** Whether the server takes tasks as it should: false from `maxLeaked` leaked handlers on. */
  readonly healthy: boolean;
};

/** The counters of one server. */
export class Counters {
  /** How many handlers are leaked now. */
  leaked = 0;
  readonly #counts = Object.fromEntries(counters.map((name) => [name, 0])) as Record<Counter, number>;

  add(name: Counter, count = 1): void {
    this.#counts[name] += count;
  }

  snapshot(): Readonly<Record<Counter, number>> {
    return { ...this.#counts };
  }
}
