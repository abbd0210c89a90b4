/** What an examination may come to. @module */

/** What a finding can be. `not-known`: what might be wrong could not be looked at. */
export const diagnosisCodes = [
  "redis-too-old",
  "redis-unpatched",
  "redis-loading",
  "replica-asked",
  "sentinel-asked",
  "cluster-down",
  "eviction",
  "memory-full",
  "memory-near",
  "no-persistence",
  "snapshots-only",
  "saving-fails",
  "durability",
  "scripts-flushed",
  "clock-skew",
  "acl-refused",
  "queue-unreadable",
  "queue-paused",
  "no-server",
  "servers-stopped",
  "concurrency-full",
  "backlog",
  "queue-starved",
  "slots-leaked",
  "tasks-not-taken",
  "no-handler",
  "suspects-waiting",
  "forward-late",
  "recover-late",
  "janitor-late",
  "aggregate-late",
  "schedule-late",
  "maintenance-missing",
  "quarantined",
  "archive-full",
  "go-workers",
  "invariant",
  "not-known",
] as const;
export type DiagnosisCode = (typeof diagnosisCodes)[number];

/**
 * How bad it is, worst first. `error`: tasks are lost, or do not run. `warning`: they will, or may. `unknown`: nobody can tell from here.
 * `notice`: worth knowing.
 */
export const severities = ["error", "warning", "unknown", "notice"] as const;
export type Severity = (typeof severities)[number];

/** What it is about. */
export interface Subject {
  readonly kind: "redis" | "queue" | "user" | "cron-entry";
  /** The queue's, the user's, the entry's; absent for Redis itself. */
  readonly name?: string | undefined;
}

/** One thing that is wrong, what shows it, and what to do. Never holds a payload or a secret. */
export interface Diagnosis {
  readonly code: DiagnosisCode;
  readonly severity: Severity;
  readonly subject: Subject;
  /** What is wrong, in one line. */
  readonly what: string;
  /** What was seen that says so. */
  readonly evidence: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Takes one. */
export type Tell = (diagnosis: Diagnosis) => void;

export const ofRedis: Subject = { kind: "redis" };

export function ofQueue(name: string): Subject {
  return { kind: "queue", name };
}
