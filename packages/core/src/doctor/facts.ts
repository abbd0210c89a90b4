/**
 * What one examination found out, before anybody judges it. Plain data: every decision of the doctor is a function of this alone.
 * @module
 */
import type { QueueStats } from "../broker/read-queue-stats.ts";
import type { ListedServer } from "../inspector/list-servers.ts";
import type { Finding } from "../invariants/finding.ts";

/** What was asked for; or why nobody knows: Redis may refuse it, or be none that has it. */
export type Known<T> = { readonly value: T; readonly why?: never } | { readonly value?: never; readonly why: string };

export interface Facts {
  /** The second of Redis' clock; of the caller's where Redis does not tell its own. */
  readonly nowSec: number;
  /** How far Redis' clock is ahead of the caller's, milliseconds. */
  readonly offsetMs: Known<number>;
  /** What `INFO` says, by name. */
  readonly info: Known<InfoFields>;
  /** How often Redis answered each error since its start, by its word. */
  readonly errors: Known<ReadonlyMap<string, number>>;
  /** How often `SCRIPT FLUSH` was asked since its start. */
  readonly scriptFlushes: Known<number>;
  /** Of Redis' configuration what decides what a crash leaves: `save`, `appendfsync`. */
  readonly settings: Known<InfoFields>;
  /** What `CLUSTER INFO` says; absent where it is no Cluster. */
  readonly cluster?: Known<InfoFields> | undefined;
  readonly logins: Known<readonly LoginFacts[]>;
  /** What `ACL LOG` shows, newest first. */
  readonly denials: Known<readonly Denial[]>;
  readonly servers: Known<readonly ServerFacts[]>;
  readonly queues: Known<Sampled<QueueFacts>>;
  /** The queues whose containers could not be read, and why. */
  readonly unreadable: readonly { readonly queue: string; readonly why: string }[];
  /** Why no task could be looked at closely; absent where some were, or none had to be. */
  readonly unsampled?: string | undefined;
  readonly schedule: Known<ScheduleFacts>;
  /** When the rare ticks of cron functions last ended, seconds, by their name. */
  readonly ticks: Known<ReadonlyMap<string, number>>;
  readonly invariants: Known<{ readonly findings: readonly Finding[]; readonly more: boolean }>;
  /** Why the tier of durability that was asked for cannot be had; absent where it can, or none was asked for. */
  readonly durability?: string | undefined;
}

export type InfoFields = Readonly<Record<string, string>>;

/** Of how many the looked-at ones are. */
export interface Sampled<T> {
  readonly total: number;
  readonly looked: readonly T[];
}

/** What a user of Redis that is to run a part may not do. */
export interface LoginFacts {
  readonly user: string;
  readonly part: string;
  /** Commands, keys and channels, as they were tried. */
  readonly refused: readonly string[];
}

/** One refusal that Redis remembers. */
export interface Denial {
  readonly user: string;
  /** `command`, `key`, `channel` or `auth`. */
  readonly reason: string;
  readonly object: string;
  readonly times: number;
  readonly ageSec: number;
}

/** A server that beats. */
export interface ServerFacts extends Pick<ListedServer, "id" | "host" | "pid" | "concurrency" | "queues" | "strictPriority" | "status"> {
  readonly running: number;
}

/** How a queue stood. Seconds since 1970; 0 is none. */
export interface QueueFacts
  extends Pick<
    QueueStats,
    "queue" | "paused" | "pending" | "active" | "scheduled" | "retry" | "archived" | "completed" | "quarantined" | "groups"
  > {
  /** The task that is taken next; empty where none is pending. */
  readonly nextId: string;
  /** Since when it has waited; `undefined` where it does not say. */
  readonly pendingSinceSec: number | undefined;
  /** Whether it was taken within two seconds; of a queue that was watched, since its tasks had waited. */
  readonly moves?: boolean | undefined;
  /** When the first of each is due, or over. */
  readonly firstScheduledSec: number;
  readonly firstRetrySec: number;
  readonly firstLeaseSec: number;
  readonly firstCompletedSec: number;
  readonly firstArchivedSec: number;
  readonly firstSetSec: number;
  /** How many tasks of `scheduled` and `retry` are due, and how many leases ended more than 30 s ago. */
  readonly due: number;
  readonly lost: number;
  /** Since when the oldest task of a few groups has waited. */
  readonly groupedSinceSec: number;
  /** Of a few leases: held by ours, and by Go's workers. */
  readonly leasesOfOurs: number;
  readonly leasesOfGo: number;
  /** Tasks that tell more, of a queue that was looked at closely. */
  readonly tasks?: readonly TaskFacts[] | undefined;
}

/** A task that waits or was given up, where something went wrong with it before. */
export interface TaskFacts {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly trouble: "no handler" | "deadline" | "crashed";
}

export interface ScheduleFacts {
  /** How many cron entries are in Redis. */
  readonly entries: number;
  /** Since when the oldest that was looked at, and is not paused, is to fire. */
  readonly sinceSec: number | undefined;
  /** Whether anybody told of them, as ticks do. */
  readonly told: boolean;
  /** Of those that are told of the one that fires first. */
  readonly first: { readonly id: string; readonly nextSec: number } | undefined;
}
