/** What the verbs that move tasks by hand share: what they are told, and what they answer. @module */
import type { Broker } from "../broker.ts";
import { unixNs, unixSec } from "../clock.ts";
import { toCount } from "../decode-reply.ts";
import { TaskNotFoundError, TaskStateError } from "../errors.ts";
import { archivedKey, completedKey, groupsKey, pendingKey, queuePrefix, retryKey, scheduledKey } from "../keys.ts";
import { limitsOf } from "../limits.ts";
import type { Reply } from "../redis.ts";
import { decodeText, unexpected } from "../verdicts.ts";
import { containerOf, type TaskPlace } from "./list-tasks.ts";
import type { StoredState } from "./stored-task.ts";

/**
 * `done`; or, with nothing written: there is no such task; it is not where it was said to be (`changed`), or in no container (`misplaced`: the
 * repair brings it back); it would double a task that holds the unique lock (`duplicate`); its message cannot be read; or the state it is in, from which the verb takes none. A task
 * that is `aggregating` is so in a set that an aggregator holds.
 */
export type TaskVerdict = "done" | "not-found" | "changed" | "misplaced" | "duplicate" | "unreadable" | StoredState;

/** What a script answers of each task; `later`: it was not looked at, its place in the list is to be found first. */
type ScriptVerdict = TaskVerdict | "later" | "dropped";

const words: Readonly<Record<string, ScriptVerdict>> = {
  d: "done",
  n: "not-found",
  c: "changed",
  m: "misplaced",
  u: "duplicate",
  x: "dropped",
  "~": "later",
  A: "active",
  P: "pending",
  S: "scheduled",
  R: "retry",
  X: "archived",
  C: "completed",
  G: "aggregating",
  Q: "js:quarantine",
};

/** What the script of a verb answers. */
export interface VerbReply {
  readonly verdicts: readonly ScriptVerdict[];
  /** Archived tasks that were deleted to make room. */
  readonly trimmed: number;
}

/** What every script of a verb is given, beside keys and values of its own. */
export const verbNames = {
  keys: ["source", "pending", "scheduled", "retry", "archived", "completed", "groups"],
  args: {
    prefix: "text",
    from: "text",
    group: "text",
    kind: "text",
    limit: "text",
    now_s: "text",
    now_ns: "text",
    archive_cutoff_s: "text",
    archive_max: "text",
  },
  each: { id: "text", at: "text" },
} as const;

/** One letter for each task that was named, or for as many of the first as there were; then how many were trimmed. */
export function decodeVerb(reply: Reply, items: number): VerbReply {
  const [letters = "", trimmed = ""] = decodeText(reply).split(",");
  const verdicts = [...letters].map((letter) => words[letter] ?? unexpected());
  if (items > 0 && verdicts.length !== items) unexpected();
  return { verdicts, trimmed: toCount(trimmed) };
}

/** What a verb's script is bound to. */
export type VerbValues = ReturnType<typeof verbValues> & { readonly items: readonly NamedTask[] };

/** A task that is named, and where it is in `pending` as far as that is known. */
interface NamedTask {
  readonly id: string;
  readonly at: number | "";
}

/** The values of `verbNames`. */
export function verbValues(broker: Broker, queue: string, place: TaskPlace | undefined, limit: number | undefined) {
  const nowMs = broker.clock.nowMs();
  const nowSec = unixSec(nowMs);
  const { archiveMaxAgeSec, archiveMaxSize } = limitsOf(broker);
  const { key, kind } = place === undefined ? { key: pendingKey(queue), kind: "list" } : containerOf(queue, place);
  return {
    queue,
    keys: {
      source: key,
      pending: pendingKey(queue),
      scheduled: scheduledKey(queue),
      retry: retryKey(queue),
      archived: archivedKey(queue),
      completed: completedKey(queue),
      groups: groupsKey(queue),
    },
    args: {
      prefix: queuePrefix(queue),
      from: place?.state ?? "",
      group: place?.group ?? "",
      kind,
      limit: limit ?? "",
      now_s: nowSec,
      now_ns: unixNs(nowMs),
      archive_cutoff_s: nowSec - archiveMaxAgeSec,
      archive_max: archiveMaxSize,
    },
  };
}

/**
 * Turns the verdict of a single task into a throw.
 * @throws {TaskNotFoundError}
 * @throws {TaskStateError}
 */
export function demandDone(verdict: TaskVerdict, verb: string, queue: string, id: string): void {
  switch (verdict) {
    case "done":
      return;
    case "not-found":
      throw new TaskNotFoundError(queue, id);
    case "changed":
      throw new TaskStateError(queue, id, `cannot ${verb} a task that keeps changing`);
    case "misplaced":
      throw new TaskStateError(queue, id, `cannot ${verb} a task that is in no container; the repair brings it back`);
    case "duplicate":
      throw new TaskStateError(queue, id, `cannot ${verb} a task to one whose unique lock another holds`);
    case "unreadable":
      throw new TaskStateError(queue, id, `cannot ${verb} a task whose message cannot be read`);
    case "active":
      throw new TaskStateError(queue, id, `cannot ${verb} a task that is active; cancelProcessing ends its run`);
    case "aggregating":
      throw new TaskStateError(queue, id, `cannot ${verb} a task that is being aggregated`);
    case "pending":
    case "scheduled":
    case "retry":
    case "archived":
    case "completed":
    case "js:quarantine":
      throw new TaskStateError(queue, id, `cannot ${verb} a task that is ${verdict}`);
    default:
      verdict satisfies never;
  }
}
