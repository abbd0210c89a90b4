/**
 * Which invariants do not hold of the model's keyspace, and where: each as its name, the queue and the id or key it concerns. Written anew from
 * their list, so that a scan that overlooks something is found out as well.
 * @module
 */
import type { Invariant } from "@asynqjs/core/invariants";
import type { Keyspace } from "./keyspace.ts";
import { groupOfSet, keyOf, layoutOf, queuesKey, readKey, taskAt } from "./layout.ts";
import { readStored } from "./stored-message.ts";

/** Where tasks of a state stand. */
const places = {
  pending: "list",
  active: "list",
  scheduled: "zset",
  retry: "zset",
  archived: "zset",
  completed: "zset",
  "js:quarantine": "zset",
} as const;

const breaks = (invariant: Invariant, queue: string, where: string): string => `${invariant} ${queue} ${where}`;

/** All there are, in order. */
export function brokenInvariants(k: Keyspace, queues: readonly string[]): string[] {
  return [...new Set(queues.flatMap((queue) => brokenInQueue(k, queue)))].sort();
}

interface Stand {
  readonly state: string;
  readonly group?: string | undefined;
}

function brokenInQueue(k: Keyspace, queue: string): string[] {
  const found: string[] = [];
  const keys = layoutOf(queue);
  const stands = new Map<string, Stand[]>();
  const stand = (id: string, at: Stand): void => void stands.set(id, [...(stands.get(id) ?? []), at]);
  for (const [state, kind] of Object.entries(places)) {
    const key = keyOf(queue, state);
    if (!k.fits(kind, key)) found.push(breaks("I1", queue, key));
    for (const id of kind === "list" ? k.items(key) : k.ranked(key).map(([member]) => member)) stand(id, { state });
  }
  if (!k.fits("zset", keys.lease)) found.push(breaks("I5", queue, keys.lease));
  for (const [key, kind] of [
    [keys.groups, "set"],
    [keys.sets, "zset"],
    [keys.aggregated, "zset"],
  ] as const)
    if (!k.fits(kind, key)) found.push(breaks("I9", queue, key));

  const ofQueue = k.keys().filter((key) => readKey(key)?.queue === queue);
  const rests = ofQueue.map((key) => ({ key, rest: readKey(key)!.rest }));
  for (const { key, rest } of rests) {
    if (!rest.startsWith("g:")) continue;
    if (k.kind(key) !== "zset") {
      found.push(breaks("I9", queue, key));
      continue;
    }
    const name = rest.slice(2);
    const inSets = k.score(keys.sets, key) !== undefined || k.score(keys.aggregated, key) !== undefined;
    const ofFirst = k.field(taskAt(queue, k.ranked(key)[0]![0]), "group");
    const ofSet = groupOfSet(queue, key);
    const isSet =
      ofSet !== undefined && (inSets || (!k.members(keys.groups).has(name) && ofFirst !== name && /:[0-9a-f-]{36}$/.test(name)));
    if (isSet ? !inSets : !k.members(keys.groups).has(name)) found.push(breaks("I9", queue, key));
    for (const [id] of k.ranked(key)) stand(id, { state: "aggregating", group: isSet ? ofSet : name });
  }

  const hashes = rests.flatMap(({ rest }) => (rest.startsWith("t:") ? [rest.slice(2)] : []));
  const ids = new Set([...hashes, ...stands.keys(), ...k.ranked(keys.lease).map(([id]) => id)]);
  for (const id of ids) found.push(...brokenOfTask(k, queue, id, stands.get(id) ?? []));
  if (ids.size > 0 && !k.members(queuesKey).has(queue)) found.push(breaks("I10", queue, queuesKey));
  for (const { key, rest } of rests)
    if (rest.startsWith("unique:") && !isLockSound(k, queue, key)) found.push(breaks("I8", queue, k.text(key) ?? key));
  return [...found, ...brokenCounters(k, queue)];
}

function brokenOfTask(k: Keyspace, queue: string, id: string, stands: readonly Stand[]): string[] {
  const keys = layoutOf(queue);
  const task = taskAt(queue, id);
  const found: Invariant[] = [];
  const isActive = stands.some(({ state }) => state === "active");
  const isLeased = k.score(keys.lease, id) !== undefined;
  if (isLeased && !isActive) found.push("I6");
  if (isActive && !isLeased) found.push("I5");
  const told = (): string[] => found.map((invariant) => breaks(invariant, queue, id));
  if (k.kind(task) !== "hash") {
    if (stands.length > 0) found.push("I4");
    else if (k.has(task)) found.push("I1");
    return told();
  }
  const field = (name: string): string | undefined => k.field(task, name) || undefined;
  if (stands.length !== 1) found.push("I1");
  else if (stands[0]!.state !== field("state") || (stands[0]!.group !== undefined && stands[0]!.group !== field("group"))) found.push("I2");
  if (field("state") === "js:quarantine") {
    if (field("js:from") === undefined || field("js:why") === undefined) found.push("I3");
    return told();
  }
  const msg = k.field(task, "msg");
  const message = msg === undefined ? "none" : readStored(msg, queue, id);
  if (typeof message === "string") found.push("I3");
  else {
    if (message.retried > message.retry) found.push("I15");
    if (field("unique_key") !== undefined && field("unique_key") !== message.uniqueKey) found.push("I8");
  }
  return told();
}

/** A lock is a text: the id of a task that has it. */
function isLockSound(k: Keyspace, queue: string, lock: string): boolean {
  const id = k.text(lock);
  if (id === undefined) return false;
  const msg = k.field(taskAt(queue, id), "msg");
  if (msg === undefined) return false;
  const named = k.field(taskAt(queue, id), "unique_key") || undefined;
  if (named !== undefined) return named === lock;
  const message = readStored(msg, queue, id);
  return typeof message !== "string" && message.uniqueKey === lock;
}

function brokenCounters(k: Keyspace, queue: string): string[] {
  const found: string[] = [];
  for (const key of k.keys()) {
    const [, name, day] = /^(processed|failed)(:\d{4}-\d\d-\d\d)?$/.exec(readKey(key)?.queue === queue ? readKey(key)!.rest : "") ?? [];
    if (name === undefined) continue;
    const count = Number(k.text(key));
    const of = (rest: string): number => Number(k.text(keyOf(queue, rest)) ?? 0);
    if (day !== undefined && count > of(name)) found.push(breaks("I11", queue, key));
    if (name === "failed" && count > of(`processed${day ?? ""}`)) found.push(breaks("I11", queue, key));
  }
  return found;
}
