import { type Answer, recorded, unrecorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, layoutOf, nsOf, secOf, taskAt } from "../layout.ts";
import { nextSecOf } from "./next-sec.ts";

export interface Forwarded {
  readonly forwarded: number;
  readonly dangling: number;
  readonly quarantined: number;
  readonly more: boolean;
  readonly nextSec: number | undefined;
}

/** scheduled | retry -> pending, or back into the group it was in: what is due, lowest score first. */
export function forwardTasks(k: Keyspace, queue: string, from: "scheduled" | "retry", nowMs: number): Answer {
  const keys = layoutOf(queue);
  const { pending, groups, quarantine } = keys;
  if (!k.fits("zset", keys[from]) || !k.fits("list", pending) || !k.fits("set", groups) || !k.fits("zset", quarantine)) return wrongKind;
  const due = k.ranked(keys[from]).filter(([, score]) => score <= secOf(nowMs));
  let [forwarded, dangling, quarantined] = [0, 0, 0];
  for (const [id] of due) {
    const key = taskAt(queue, id);
    const group = k.field(key, "group") || undefined;
    k.removeScore(keys[from], id);
    if (k.field(key, "msg") === undefined) {
      dangling++;
    } else if (group === undefined) {
      forwarded++;
      k.setFields(key, { state: "pending", pending_since: nsOf(nowMs) });
      k.pushLeft(pending, id);
    } else if (k.fits("zset", groupAt(queue, group))) {
      forwarded++;
      k.setFields(key, { state: "aggregating" });
      k.setScore(groupAt(queue, group), id, secOf(nowMs));
      k.addMember(groups, group);
    } else {
      quarantined++;
      k.setScore(quarantine, id, secOf(nowMs));
      k.setFields(key, { state: "js:quarantine", "js:from": from, "js:why": "the key of its group holds the wrong kind of value" });
    }
  }
  const more = due.length === 100;
  const counts: Forwarded = { forwarded, dangling, quarantined, more, nextSec: nextSecOf(k, keys[from], more) };
  return due.length > 0 ? recorded(counts) : unrecorded(counts);
}
