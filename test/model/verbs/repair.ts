/** What repair makes of what it finds: containers first, then single keys. @module */
import { type Answer, recorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, keyOf, layoutOf, nsOf, secOf, taskAt } from "../layout.ts";

const containers = ["active", "lease", "pending", "scheduled", "retry", "archived", "completed", "quarantine"] as const;

/** Looks through the containers of a queue that has at most a hundred ids, in their order. */
export function repairContainers(k: Keyspace, queue: string, nowMs: number): Answer {
  const keys = layoutOf(queue);
  const { active, lease } = keys;
  const canLease = k.fits("zset", lease);
  const canActivate = k.fits("list", active);
  const idsOf = (key: string): readonly string[] => (k.kind(key) === "list" ? [...k.items(key)] : k.ranked(key).map(([id]) => id));
  const takeOut = (key: string, id: string): void => {
    k.removeItem(key, id, "all");
    k.removeScore(key, id);
  };
  const counts = { leased: 0, reactivated: 0, dangling: 0, strays: 0, restated: 0 };
  // Who is active is read once, when the first lease is looked at.
  let isActive: ReadonlySet<string> | undefined;
  for (const name of containers) {
    for (const id of idsOf(keys[name])) {
      const task = taskAt(queue, id);
      const state = k.field(task, "state");
      const isStray = (): boolean => hasHome(k, queue, id, state);
      if (k.field(task, "msg") === undefined) {
        takeOut(keys[name], id);
        if (k.kind(task) === "hash") k.drop(task);
        counts.dangling++;
      } else if (name === "active") {
        if (!canLease || k.score(lease, id) !== undefined) continue;
        if (state !== "active" && isStray()) {
          takeOut(active, id);
          counts.strays++;
        } else {
          k.setScore(lease, id, secOf(nowMs));
          k.setFields(task, { state: "active" });
          counts.leased++;
        }
      } else if (name === "lease") {
        if (!canActivate) continue;
        isActive ??= new Set(k.items(active));
        if (isActive.has(id)) continue;
        if (state === "active") {
          k.pushLeft(active, id);
          counts.reactivated++;
        } else {
          takeOut(lease, id);
          counts.strays++;
        }
      } else if (state === undefined || keyOf(queue, state) !== keys[name]) {
        if (isStray()) {
          takeOut(keys[name], id);
          counts.strays++;
        } else {
          k.setFields(task, { state: keys[name].slice(keyOf(queue, "").length) });
          counts.restated++;
        }
      }
    }
  }
  const index = [...k.members(keys.groups)].map((group) => groupAt(queue, group));
  const inUse = [...containers.map((name) => keys[name]), keys.sets, keys.aggregated, ...index].some((key) => k.has(key));
  k.drop(keys.cursor);
  return recorded({ ...counts, inUse, whole: true });
}

/** A key of a queue, without the queue's part of its name, and whether it was unsound a minute ago as well. */
export interface Suspect {
  readonly rest: string;
  readonly ripe: boolean;
}

/** Judges single keys by what the containers say, one after the other, and mends what is ripe. */
export function repairSingleKeys(k: Keyspace, queue: string, suspects: readonly Suspect[], nowMs: number): Answer {
  const { pending, active, lease, groups, sets, aggregated } = layoutOf(queue);
  const lists = [pending, active].every((key) => k.fits("list", key));
  if (!lists || ![lease, sets, aggregated].every((key) => k.fits("zset", key)) || !k.fits("set", groups)) return wrongKind;
  return recorded(
    suspects.map(({ rest, ripe }) => {
      if (rest.startsWith("t:")) return judgeTask(k, queue, rest.slice(2), ripe, nowMs);
      if (rest.startsWith("unique:")) return judgeLock(k, queue, keyOf(queue, rest), ripe);
      if (rest.startsWith("g:")) return judgeGroup(k, queue, rest.slice(2), nowMs);
      return "sound";
    }),
  );
}

function judgeTask(k: Keyspace, queue: string, id: string, ripe: boolean, nowMs: number): string {
  const { pending, active, lease, groups } = layoutOf(queue);
  const key = taskAt(queue, id);
  if (k.kind(key) !== "hash") return "sound";
  const state = k.field(key, "state");
  const hasMessage = k.field(key, "msg") !== undefined;
  if (hasMessage && hasHome(k, queue, id, state)) return "sound";
  if (!ripe) return "unsound";
  if (!hasMessage || state === "archived" || state === "completed") {
    k.drop(key);
    return "removed";
  }
  if (state === "active") {
    k.pushLeft(active, id);
    k.setScore(lease, id, secOf(nowMs));
    return "reactivated";
  }
  const group = state === "aggregating" ? k.field(key, "group") || undefined : undefined;
  if (group !== undefined && k.fits("zset", groupAt(queue, group))) {
    k.setScore(groupAt(queue, group), id, secOf(nowMs));
    k.addMember(groups, group);
    return "regrouped";
  }
  k.pushLeft(pending, id);
  k.setFields(key, { state: "pending", pending_since: nsOf(nowMs) });
  return "requeued";
}

/** Whether a task is in a container that its state names. */
function hasHome(k: Keyspace, queue: string, id: string, state: string | undefined): boolean {
  const { pending, active, lease, sets, aggregated } = layoutOf(queue);
  if (state === undefined) return false;
  if (state === "active") return k.score(lease, id) !== undefined || k.items(active).includes(id);
  if (state === "pending") return k.items(pending).includes(id);
  if (state !== "aggregating") return k.score(keyOf(queue, state), id) !== undefined;
  const group = k.field(taskAt(queue, id), "group");
  if (!group) return false;
  const start = `${groupAt(queue, group)}:`;
  const inSets = [sets, aggregated].flatMap((index) => k.ranked(index).map(([key]) => key)).filter((key) => key.startsWith(start));
  return [groupAt(queue, group), ...inSets].some((key) => k.score(key, id) !== undefined);
}

/** A lock is held by a task that has it: by its hash, or, as Go's tasks in groups, by its message alone. */
function judgeLock(k: Keyspace, queue: string, lock: string, ripe: boolean): string {
  const id = k.text(lock);
  if (id === undefined) return "sound";
  const task = taskAt(queue, id);
  const msg = k.field(task, "msg");
  const named = k.field(task, "unique_key") || (msg?.includes(lock) ? lock : undefined);
  if (msg !== undefined && named === lock) return "sound";
  if (!ripe) return "unsound";
  k.drop(lock);
  return "unlocked";
}

/** The index of a group or a set is mended at once. */
function judgeGroup(k: Keyspace, queue: string, name: string, nowMs: number): string {
  const { groups, sets, aggregated } = layoutOf(queue);
  const key = groupAt(queue, name);
  if (k.kind(key) !== "zset" || k.members(groups).has(name)) return "sound";
  const ofFirst = k.field(taskAt(queue, k.ranked(key)[0]![0]), "group");
  if (ofFirst !== name && /:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) {
    if (k.score(sets, key) !== undefined || k.score(aggregated, key) !== undefined) return "sound";
    k.setScore(sets, key, secOf(nowMs));
  } else {
    k.addMember(groups, name);
  }
  return "indexed";
}
