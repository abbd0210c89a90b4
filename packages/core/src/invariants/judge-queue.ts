import { allQueues, queuePrefix } from "../keys.ts";
import { decodeTaskMessage } from "../wire/decode-task-message.ts";
import type { Report } from "./finding.ts";
import type { TaskHash } from "./judge-task.ts";

/** A key that is not of the kind that scripts expect there. */
export function judgeKind(queue: string, rest: string, kind: string, expected: string, report: Report): boolean {
  if (kind === expected) return true;
  const invariant = rest.startsWith("unique:")
    ? "I8"
    : rest === "lease"
      ? "I5"
      : /^(g:|groups$|aggregation_sets$|js:aggregated$)/.test(rest)
        ? "I9"
        : /^(processed|failed)/.test(rest)
          ? "I11"
          : "I1";
  report({ invariant, queue, key: queuePrefix(queue) + rest, message: `is no ${expected} but a ${kind}` });
  return false;
}

/** The lock that a message names, also that of a task that is set aside; none where it cannot be read. */
export function lockOf(msg: Uint8Array | undefined): string | undefined {
  try {
    return msg && decodeTaskMessage(msg, "the message").uniqueKey;
  } catch {
    return undefined;
  }
}

/** I8: who holds a lock is a task that has it. Go keeps the lock of a task of a group in its message alone. */
export function judgeLock(
  queue: string,
  lock: string,
  holder: { readonly id: string; readonly hash: TaskHash | "wrong kind" | undefined; readonly messageLock: string | undefined },
  report: Report,
): void {
  const { id, hash, messageLock } = holder;
  if (hash === undefined || hash === "wrong kind" || hash.msg === undefined)
    report({ invariant: "I8", queue, key: lock, id, message: "is held by a task that is gone" });
  else if ((hash.uniqueKey ?? messageLock) !== lock)
    report({ invariant: "I8", queue, key: lock, id, message: "is held by a task that has another lock, or none" });
}

/** I10: what an inspector cannot see nobody looks after. */
export function judgeRegistered(queue: string, isRegistered: boolean, holdsTasks: boolean, report: Report): void {
  if (holdsTasks && !isRegistered) report({ invariant: "I10", queue, key: allQueues, message: "lacks a queue that holds tasks" });
}

/** The counters of a queue as they stand in Redis, by the rest of their key: `processed`, `failed:2026-01-02`. */
export type Counters = ReadonlyMap<string, string>;

/** I11, as far as one moment shows it: failures are among what was processed, and each day is in the total. */
export function judgeCounters(queue: string, counters: Counters, report: Report): void {
  const found = (rest: string, message: string): void => report({ invariant: "I11", queue, key: queuePrefix(queue) + rest, message });
  for (const [rest, text] of counters) {
    const count = Number(text);
    const [name, day] = rest.split(":") as [string, string | undefined];
    if (!/^\d+$/.test(text)) found(rest, "is no count");
    else {
      const total = Number(counters.get(name) ?? 0);
      if (day !== undefined && count > total) found(rest, `is ${text}, and all days are ${total}`);
      const processed = Number(counters.get(rest.replace("failed", "processed")) ?? 0);
      if (name === "failed" && count > processed) found(rest, `is ${text}, and ${processed} were processed`);
    }
  }
}

/** One suspect that is active: a task that lost a worker before. */
export interface ActiveSuspect {
  readonly id: string;
  readonly lease: string;
}

/** I15: one dequeue takes one suspect, so that a bystander is not charged with its crash. A Go worker takes all. */
export function judgeSuspects(queue: string, suspects: readonly ActiveSuspect[], report: Report): void {
  const key = `${queuePrefix(queue)}active`;
  const byToken = new Map<number, string>();
  for (const { id, lease } of suspects) {
    const token = Number(lease) % 1;
    const other = byToken.get(token);
    byToken.set(token, id);
    if (token === 0 || other === undefined) continue;
    report({ invariant: "I15", queue, key, id, message: `was taken with another suspect, ${other}` });
    report({ invariant: "I15", queue, key, id: other, message: `was taken with another suspect, ${id}` });
  }
}

/** What is in a key `g:…`: a group, or an aggregation set of one. Go lets a group be named as sets are. */
export interface GroupKey {
  /** Without `g:`. */
  readonly name: string;
  readonly inGroups: boolean;
  readonly inSets: boolean;
  /** What its first member says of its group. */
  readonly memberGroup: string | undefined;
}

/** I9. Answers the group that the key's members belong to. */
export function judgeGroupKey(queue: string, { name, inGroups, inSets, memberGroup }: GroupKey, report: Report): string {
  const ofSet = /(.*):/s.exec(name)?.[1];
  if (inSets && ofSet !== undefined) return ofSet;
  if (inGroups || memberGroup === name || ofSet === undefined || !uuidEnd.test(name)) {
    if (!inGroups)
      report({ invariant: "I9", queue, key: `${queuePrefix(queue)}g:${name}`, message: "is a group that is not in the index" });
    return name;
  }
  report({ invariant: "I9", queue, key: `${queuePrefix(queue)}g:${name}`, message: "is an aggregation set that is not in the index" });
  return ofSet;
}

/** How Go names a set: after a colon a UUID. */
const uuidEnd = /:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
