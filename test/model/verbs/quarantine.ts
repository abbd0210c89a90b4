import { type Answer, recorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, layoutOf, nsOf, secOf, taskAt } from "../layout.ts";
import { releaseLock } from "./delete-tasks.ts";

/** js:quarantine -> pending, or the group it was taken out of, or gone. */
export function leaveQuarantine(k: Keyspace, queue: string, ids: readonly string[], to: "pending" | "gone", nowMs: number): Answer {
  const { quarantine, pending, groups } = layoutOf(queue);
  if (!k.fits("zset", quarantine) || !k.fits("list", pending) || !k.fits("set", groups)) return wrongKind;
  return recorded(
    ids.map((id) => {
      const key = taskAt(queue, id);
      if (!k.removeScore(quarantine, id)) return "not-quarantined";
      if (k.field(key, "msg") === undefined) return "dangling";
      if (to === "gone") {
        const lock = k.field(key, "unique_key");
        k.drop(key);
        if (lock) releaseLock(k, lock, id);
        return "deleted";
      }
      const group = k.field(key, "js:from") === "aggregating" ? k.field(key, "group") || undefined : undefined;
      if (group !== undefined && k.fits("zset", groupAt(queue, group))) {
        k.setFields(key, { state: "aggregating" });
        k.setScore(groupAt(queue, group), id, secOf(nowMs));
        k.addMember(groups, group);
      } else {
        k.setFields(key, { state: "pending", pending_since: nsOf(nowMs) });
        k.pushLeft(pending, id);
      }
      k.dropFields(key, "js:from", "js:why", "js:recovered", "js:handed_back");
      return "released";
    }),
  );
}
