/**
 * How much of what is over is kept: archived and completed tasks. What is deleted for a limit is counted and logged by whoever deleted it.
 * @module
 */
import { InvalidOptionError } from "./errors.ts";

/** One for all that work on a queue: the lowest wins, whoever applies it. */
export interface Limits {
  /** How long an archived task is kept, seconds. Default 90 days. Asynq: `archivedExpirationInDays`. */
  readonly archiveMaxAgeSec: number;
  /** From how many archived tasks of a queue on the oldest are deleted, so that one fewer is kept, as in Asynq. Default 10,000. Asynq: `maxArchiveSize`. */
  readonly archiveMaxSize: number;
  /**
   * How many completed tasks of a queue are kept at most; those whose retention ends first go first. Default: any number, as in Asynq. How
   * long one is kept is the task's own say (`retentionSec`).
   */
  readonly completedMaxSize?: number | undefined;
}

/** Limits of which some are left to their default. */
export type LimitOptions = { readonly [Name in keyof Limits]?: Limits[Name] | undefined };

/** Asynq's limits. */
export const defaultLimits: Limits = { archiveMaxAgeSec: 90 * 24 * 3600, archiveMaxSize: 10_000 };

/** The limits of a broker that may have none of its own. */
export function limitsOf({ limits = defaultLimits }: { readonly limits?: Limits | undefined }): Limits {
  return limits;
}

/**
 * Checks limits and fills in Asynq's. Does no I/O.
 * @throws {InvalidOptionError} names the option
 */
export function checkLimits({ archiveMaxAgeSec, archiveMaxSize, completedMaxSize }: LimitOptions): Limits {
  return {
    archiveMaxAgeSec: whole("archiveMaxAgeSec", "seconds", archiveMaxAgeSec ?? defaultLimits.archiveMaxAgeSec, 1),
    archiveMaxSize: whole("archiveMaxSize", "tasks", archiveMaxSize ?? defaultLimits.archiveMaxSize, 1),
    completedMaxSize: completedMaxSize === undefined ? undefined : whole("completedMaxSize", "tasks", completedMaxSize, 0),
  };
}

function whole(option: string, unit: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidOptionError(option, `expected a whole number of ${unit} from ${least}`);
  return value;
}
