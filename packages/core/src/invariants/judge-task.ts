import { maxRecoveries } from "../failure.ts";
import { taskKey } from "../keys.ts";
import { tokenParts } from "../lease.ts";
import type { TaskMessage } from "../task-message.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import type { Invariant, Report } from "./finding.ts";

/** The fields of a task's hash that are judged; an empty one is absent, as Asynq's scripts take it. */
export interface TaskHash {
  readonly msg: Uint8Array | undefined;
  readonly state: string | undefined;
  readonly group: string | undefined;
  readonly uniqueKey: string | undefined;
  readonly pendingSince: string | undefined;
  readonly recovered: string | undefined;
  readonly from: string | undefined;
  readonly why: string | undefined;
}

/** One place where an id stands: once in a sorted set, any number of times in a list. */
export interface Home {
  readonly key: string;
  /** What a task there tells as its state. */
  readonly state: string;
  /** The group it then belongs to. */
  readonly group?: string | undefined;
  /** As Redis prints it; absent in a list. */
  readonly score?: string | undefined;
}

/** All that one moment shows of an id. */
export interface TaskFacts {
  readonly id: string;
  /** `undefined`: there is no such key; `"wrong kind"`: it is no hash. */
  readonly hash: TaskHash | "wrong kind" | undefined;
  readonly homes: readonly Home[];
  /** The score of its lease. */
  readonly lease: string | undefined;
}

/**
 * Judges one id: I1 to I7 and I15, as far as one moment shows them; and I13, given the second before which whatever was due should have been
 * taken on. Answers its message, where it can be read.
 */
export function judgeTask(
  queue: string,
  { id, hash, homes, lease }: TaskFacts,
  report: Report,
  dueBeforeSec = Number.NEGATIVE_INFINITY,
): TaskMessage | undefined {
  const task = taskKey(queue, id);
  const found = (invariant: Invariant, message: string, key = task): void => report({ invariant, queue, key, id, message });
  const isActive = homes.some(({ state }) => state === "active");

  if (lease !== undefined && !isActive) found("I6", "has a lease and is not active");
  if (lease === undefined && isActive) found("I5", "is active and has no lease");
  if (lease !== undefined && !Number.isInteger(Number(lease) * tokenParts)) found("I7", `its lease ${lease} carries no token`);
  if (lease !== undefined && Number(lease) < dueBeforeSec) found("I13", `its lease ended at ${lease}, and nobody took it back`);
  for (const { key, state, score } of homes) {
    if (score !== undefined && !Number.isInteger(Number(score))) found("I3", `its score ${score} is no whole second`, key);
    if ((state === "scheduled" || state === "retry") && Number(score) < dueBeforeSec) found("I13", `was due at ${score}`, key);
  }

  if (hash === undefined || hash === "wrong kind") {
    const what = hash === undefined ? "its task is gone" : "the key of its task is no hash";
    for (const { key } of homes) found("I4", what, key);
    if (hash === "wrong kind" && homes.length === 0) found("I1", "is no hash, and in no container");
    return undefined;
  }

  if (homes.length === 0) found("I1", `is in no container, and says it is ${hash.state ?? "nothing"}`);
  else if (homes.length > 1) {
    // In one order, whoever looked in whichever: who looks again is to find the same.
    const places = homes.toSorted((one, other) => (one.key < other.key ? -1 : 1));
    const stray = places.find((home) => !tells(hash, home)) ?? places[1]!;
    found("I1", `is in ${places.map(({ key }) => key).join(" and ")}`, stray.key);
  } else if (!tells(hash, homes[0]!)) {
    const { state = "nothing", group } = hash;
    found("I2", `says it is ${state}${group === undefined ? "" : ` of the group ${group}`}`, homes[0]!.key);
  }
  return judgeMessage(queue, id, hash, found);
}

/** Whether a task says that it is where it stands. */
export function tells({ state, group }: TaskHash, home: Home): boolean {
  return state === home.state && (home.group === undefined || group === home.group);
}

function judgeMessage(
  queue: string,
  id: string,
  { msg, state, uniqueKey, pendingSince, recovered, from, why }: TaskHash,
  found: (invariant: Invariant, message: string) => void,
): TaskMessage | undefined {
  if (pendingSince !== undefined && !/^\d{1,19}$/.test(pendingSince)) found("I3", "its pending_since is no number of nanoseconds");
  if (state === "js:quarantine") {
    if (from === undefined || why === undefined) found("I3", "is set aside, and does not say where from and why");
    return undefined;
  }
  if (msg === undefined) {
    found("I3", "has no message");
    return undefined;
  }
  let message: TaskMessage;
  try {
    message = decodeTaskMessage(msg, "the message");
  } catch (error) {
    found("I3", (error as Error).message);
    return undefined;
  }
  if (message.id !== id || message.queue !== queue) found("I3", "its message is another task's");
  const { retried, retry } = message;
  if (retried < 0 || retried > retry) found("I15", `was retried ${retried} times of ${retry}`);
  if (recovered !== undefined && !(crashes(recovered, retried) < maxRecoveries)) found("I15", `its crash count is ${recovered}`);
  if (uniqueKey !== undefined && message.uniqueKey !== uniqueKey) found("I8", "its lock is not the one its message names");
  return message;
}

/** How many workers a task has lost since it last failed; not a number where its crash count is none. */
export function crashes(recovered: string | undefined, retried: number): number {
  if (recovered === undefined) return 0;
  const [, count, at] = /^([1-9]\d*)@(\d+)$/.exec(recovered) ?? [];
  return at === undefined ? Number.NaN : Number(at) === retried ? Number(count) : 0;
}
