import { queueKeyKinds, stateContainers } from "../containers.ts";
import { queuePrefix } from "../keys.ts";
import { decodeText } from "../verdicts.ts";
import type { Report } from "./finding.ts";
import {
  type ActiveSuspect,
  judgeCounters,
  judgeGroupKey,
  judgeKind,
  judgeLock,
  judgeRegistered,
  judgeSuspects,
  lockOf,
} from "./judge-queue.ts";
import { crashes, type Home, judgeTask, type TaskHash } from "./judge-task.ts";
import type { QueueState } from "./queue-state.ts";
import type { QueueKey } from "./read-queue.ts";

/** Judges a whole queue as it stood at one moment. */
export function judgeSnapshot(
  queue: string,
  keys: readonly QueueKey[],
  isRegistered: boolean,
  report: Report,
  dueBeforeSec?: number,
): QueueState {
  const prefix = queuePrefix(queue);
  const hashes = new Map<string, TaskHash | "wrong kind">();
  const homes = new Map<string, Home[]>();
  const counters = new Map<string, string>();
  const locks: { readonly lock: string; readonly id: string }[] = [];
  const groupKeys: QueueKey[] = [];
  const named = new Map<string, readonly (readonly [member: string, score: string | undefined])[]>();
  let paused = false;

  for (const key of keys) {
    const { rest, kind } = key;
    if (rest.startsWith("t:")) hashes.set(rest.slice(2), "hash" in key ? key.hash : "wrong kind");
    else if (rest.startsWith("unique:")) {
      if (judgeKind(queue, rest, kind, "string", report) && "text" in key) locks.push({ lock: prefix + rest, id: key.text });
    } else if (rest.startsWith("g:")) {
      if (judgeKind(queue, rest, kind, "zset", report)) groupKeys.push(key);
    } else if (counterKey.test(rest)) {
      if (judgeKind(queue, rest, kind, "string", report) && "text" in key) counters.set(rest, key.text);
    } else if (rest === "paused") paused = true;
    else if (Object.hasOwn(queueKeyKinds, rest) && judgeKind(queue, rest, kind, queueKeyKinds[rest]!, report))
      named.set(rest, membersOf(key));
  }

  const stand = (id: string, home: Home): void => {
    const known = homes.get(id);
    if (known === undefined) homes.set(id, [home]);
    else known.push(home);
  };
  for (const state of Object.keys(stateContainers)) {
    for (const [id, score] of named.get(state) ?? []) stand(id, { key: prefix + state, state, score });
  }
  const inIndex = (index: string): ReadonlySet<string> => new Set((named.get(index) ?? []).map(([member]) => member));
  const groups = inIndex("groups");
  const sets = inIndex("aggregation_sets");
  const aggregated = inIndex("js:aggregated");
  for (const key of groupKeys) {
    const members = membersOf(key);
    const name = key.rest.slice(2);
    const whole = prefix + key.rest;
    const first = hashes.get(members[0]?.[0] ?? "");
    const memberGroup = typeof first === "object" ? first.group : undefined;
    const inSets = sets.has(whole) || aggregated.has(whole);
    const group = judgeGroupKey(queue, { name, inGroups: groups.has(name), inSets, memberGroup }, report);
    for (const [id, score] of members) stand(id, { key: whole, state: "aggregating", group, score });
  }

  const leases = new Map(named.get("lease"));
  const ids = new Set([...hashes.keys(), ...homes.keys(), ...leases.keys()]);
  const suspects: ActiveSuspect[] = [];
  for (const id of ids) {
    const hash = hashes.get(id);
    const lease = leases.get(id);
    const message = judgeTask(queue, { id, hash, homes: homes.get(id) ?? nowhere, lease }, report, dueBeforeSec);
    if (lease !== undefined && message !== undefined && typeof hash === "object" && crashes(hash.recovered, message.retried) > 0)
      suspects.push({ id, lease });
  }
  for (const { lock, id } of locks) {
    const hash = hashes.get(id);
    judgeLock(queue, lock, { id, hash, messageLock: typeof hash === "object" ? lockOf(hash.msg) : undefined }, report);
  }
  judgeSuspects(queue, suspects, report);
  judgeCounters(queue, counters, report);
  judgeRegistered(queue, isRegistered, ids.size > 0, report);
  const active = (named.get("active") ?? []).map(([id]) => id);
  return { queue, paused, active, counters, tasks: hashes.size };
}

/** `processed`, `failed:2026-01-02`. */
export const counterKey: RegExp = /^(?:processed|failed)(?::\d{4}-\d\d-\d\d)?$/;

const nowhere: readonly Home[] = [];

/** The ids in a list or set; those of a sorted set with their scores. */
function membersOf(key: QueueKey): readonly (readonly [member: string, score: string | undefined])[] {
  if (!("values" in key)) return [];
  const words = key.values.map(decodeText);
  if (key.kind !== "zset") return words.map((member) => [member, undefined]);
  return Array.from({ length: words.length / 2 }, (_, i) => [words[i * 2]!, words[i * 2 + 1]!]);
}
