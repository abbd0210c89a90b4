/** Groups and the sets that are cut from them. @module */
import { type Answer, recorded, unrecorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, groupOfSet, layoutOf, secOf, setAt, taskAt } from "../layout.ts";
import { deleteSet } from "./delete-tasks.ts";
import { enqueueTask, type StoredTask } from "./enqueue.ts";
import { nextSecOf } from "./next-sec.ts";

interface GroupRule {
  readonly gracePeriodSec: number;
  readonly maxDelaySec: number;
  readonly maxSize: number;
  readonly maxSets: number;
}

/** A set's maker has it for two minutes. */
const setSec = 120;

/** Makes sets of groups whose time has come: those that are full, whose oldest waits too long, or that are quiet. */
export function checkGroups(
  k: Keyspace,
  queue: string,
  groups: readonly { group: string; setId: string }[],
  rule: GroupRule,
  nowMs: number,
): Answer {
  const { sets, groups: index } = layoutOf(queue);
  if (!k.fits("zset", sets) || !k.fits("set", index)) return wrongKind;
  const nowSec = secOf(nowMs);
  const { maxSize } = rule;
  let [left, wrote] = [rule.maxSets, false];
  const verdicts = groups.map(({ group, setId }) => {
    const key = groupAt(queue, group);
    const setKey = setAt(queue, group, setId);
    if (!k.fits("zset", key) || k.has(setKey)) return "broken";
    const ranked = k.ranked(key);
    if (ranked.length === 0) {
      wrote = k.removeMember(index, group) || wrote;
      return "empty";
    }
    if (!isDue(ranked, rule, nowSec)) return "wait";
    if (left <= 0) return "due";
    left--;
    wrote = true;
    const isWhole = maxSize === 0 || ranked.length <= maxSize;
    for (const [id, score] of isWhole ? ranked : ranked.slice(0, maxSize)) {
      k.setScore(setKey, id, score);
      k.removeScore(key, id);
    }
    k.setScore(sets, setKey, nowSec + setSec);
    if (isWhole) k.removeMember(index, group);
    return isWhole ? "set" : "cut";
  });
  return wrote ? recorded(verdicts) : unrecorded(verdicts);
}

function isDue(ranked: readonly [string, number][], { gracePeriodSec, maxDelaySec, maxSize }: GroupRule, nowSec: number): boolean {
  const [oldest, newest] = [ranked[0]![1], ranked.at(-1)![1]];
  return (
    (maxSize > 0 && ranked.length >= maxSize) ||
    (maxDelaySec > 0 && oldest <= nowSec - Math.trunc(maxDelaySec)) ||
    newest <= nowSec - Math.trunc(gracePeriodSec)
  );
}

/** A set that nobody has begun to give back is its maker's. */
function ownsSet(k: Keyspace, queue: string, setKey: string): boolean {
  return (k.score(layoutOf(queue).sets, setKey) ?? 0) > 0;
}

export function extendSet(k: Keyspace, queue: string, setKey: string, untilSec: number): Answer {
  const { sets } = layoutOf(queue);
  if (!k.fits("zset", sets)) return wrongKind;
  if (!ownsSet(k, queue, setKey)) return unrecorded("set-lost");
  k.setScore(sets, setKey, Math.max(untilSec, k.score(sets, setKey)!));
  return recorded("extended");
}

/** What can be aggregated of a set, oldest first; nothing of an id whose task is gone or elsewhere. */
export function readSet(k: Keyspace, queue: string, group: string, setKey: string): Answer {
  if (!k.fits("zset", setKey)) return wrongKind;
  const members = k.ranked(setKey).map(([id]) => {
    const key = taskAt(queue, id);
    const ofGroup = k.field(key, "group") || group;
    const isHere = k.field(key, "state") === "aggregating" && ofGroup === group;
    return { id, msg: isHere ? k.field(key, "msg") : undefined };
  });
  return unrecorded({ members, more: false });
}

/** aggregating in a set -> quarantine, or dropped where no reason is given or there is no such task. */
export function setAside(
  k: Keyspace,
  queue: string,
  setKey: string,
  unfit: readonly { id: string; why?: string | undefined }[],
  nowMs: number,
): Answer {
  const { sets, quarantine } = layoutOf(queue);
  if (!k.fits("zset", setKey) || !k.fits("zset", sets) || !k.fits("zset", quarantine)) return wrongKind;
  let [quarantined, dangling] = [0, 0];
  if (!ownsSet(k, queue, setKey)) return unrecorded({ quarantined, dangling });
  for (const { id, why } of unfit) {
    if (!k.removeScore(setKey, id)) continue;
    const key = taskAt(queue, id);
    if (why && k.field(key, "msg") !== undefined && k.field(key, "state") === "aggregating") {
      k.setScore(quarantine, id, secOf(nowMs));
      k.setFields(key, { state: "js:quarantine", "js:from": "aggregating", "js:why": why });
      quarantined++;
    } else {
      dangling++;
    }
  }
  if (!k.has(setKey)) k.removeScore(sets, setKey);
  return recorded({ quarantined, dangling });
}

/** A set's tasks -> gone, and one task in their place, in one step. */
export function replaceSet(k: Keyspace, queue: string, setKey: string, task: StoredTask, nowMs: number): Answer {
  const { sets, aggregated, pending, scheduled, groups } = layoutOf(queue);
  const zsets = [setKey, sets, aggregated, scheduled, ...(task.group === undefined ? [] : [groupAt(queue, task.group)])];
  if (!zsets.every((key) => k.fits("zset", key)) || !k.fits("list", pending) || !k.fits("set", groups)) return wrongKind;
  const nothing = { deleted: 0, more: false };
  if (!ownsSet(k, queue, setKey)) return unrecorded({ verdict: "set-lost", ...nothing });
  const verdict = enqueueTask(k, queue, task, nowMs);
  if (verdict !== "enqueued") return recorded({ verdict, ...nothing });
  k.removeScore(sets, setKey);
  return recorded({ verdict: "replaced", deleted: deleteSet(k, queue, setKey), more: false });
}

/** Sets whose deadline has passed go back to their groups, ten a call. */
export function reclaimSets(k: Keyspace, queue: string, nowMs: number): Answer {
  const { sets: registry, groups } = layoutOf(queue);
  if (!k.fits("zset", registry) || !k.fits("set", groups)) return wrongKind;
  const stale = k
    .ranked(registry)
    .filter(([, deadline]) => deadline <= secOf(nowMs))
    .slice(0, 10);
  let [sets, reclaimed, dangling, putOff] = [0, 0, 0, 0];
  for (const [setKey] of stale) {
    const group = groupOfSet(queue, setKey);
    if (group === undefined || k.kind(setKey) !== "zset") {
      k.removeScore(registry, setKey);
      dangling++;
    } else if (!k.fits("zset", groupAt(queue, group))) {
      k.setScore(registry, setKey, secOf(nowMs) + setSec);
      putOff++;
    } else {
      const members = k.ranked(setKey);
      for (const [id, score] of members) k.setScore(groupAt(queue, group), id, score);
      reclaimed += members.length;
      k.drop(setKey);
      k.removeScore(registry, setKey);
      k.addMember(groups, group);
      sets++;
    }
  }
  const more = stale.length === 10;
  const counts = { sets, reclaimed, dangling, putOff, more, nextSec: nextSecOf(k, registry, more) };
  return stale.length > 0 ? recorded(counts) : unrecorded(counts);
}
