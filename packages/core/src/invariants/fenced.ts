import { taskKey } from "../keys.ts";
import type { Finding } from "./finding.ts";

/** What happened to the leases of one queue, in the order in which Redis did it. */
export type LeaseEvent =
  /** `token` is drawn for the call that took it. */
  | { readonly type: "take"; readonly id: string; readonly token: number }
  /** Taken, settled, given back or evicted by somebody who has no token: a Go peer, an inspector, an eviction, a recoverer. */
  | { readonly type: "end"; readonly id: string }
  /** A worker's write, and whether Redis took it. `keeps`: an extension, a result or a log line, after which it holds the lease still. */
  | { readonly type: "write"; readonly id: string; readonly token: number; readonly accepted: boolean; readonly keeps: boolean };

/** I7 over time: each write that was accepted was of who held the lease, and none of theirs was refused. */
export function fenced(queue: string, events: Iterable<LeaseEvent>): Finding[] {
  const holder = new Map<string, number>();
  const findings: Finding[] = [];
  for (const event of events) {
    const { id } = event;
    if (event.type === "take") holder.set(id, event.token);
    else if (event.type === "end") holder.delete(id);
    else {
      const holds = holder.get(id) === event.token;
      if (holds !== event.accepted) {
        const message = event.accepted ? "took a write of one who does not hold its lease" : "refused a write of who holds its lease";
        findings.push({ invariant: "I7", queue, key: taskKey(queue, id), id, message });
      }
      if (event.accepted && !event.keeps) holder.delete(id);
    }
  }
  return findings;
}
