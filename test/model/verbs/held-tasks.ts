/** What only the holder of a lease may write. @module */
import { type Answer, recorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { layoutOf, taskAt } from "../layout.ts";
import { fractionOf } from "./dequeue.ts";

interface Held {
  readonly queue: string;
  readonly id: string;
  readonly token: number;
}

function holds(k: Keyspace, { queue, id, token }: Held): boolean {
  const score = k.score(layoutOf(queue).lease, id);
  return score !== undefined && score % 1 === fractionOf(token);
}

/** Moves the second of leases onward, never back; whose they are stays. */
export function extendTaskLeases(k: Keyspace, queue: string, held: readonly Held[], untilSec: number): Answer {
  const { lease } = layoutOf(queue);
  if (!k.fits("zset", lease)) return wrongKind;
  return recorded(
    held.map((task) => {
      if (!holds(k, task)) return "lease-lost";
      k.setScore(lease, task.id, Math.max(k.score(lease, task.id)!, untilSec + fractionOf(task.token)));
      return "extended";
    }),
  );
}

/** Writes a field of the task's hash, made of what it holds. */
export function writeHeldField(k: Keyspace, held: Held, name: string, make: (before: string | undefined) => string): Answer {
  const key = taskAt(held.queue, held.id);
  if (!k.fits("zset", layoutOf(held.queue).lease) || !k.fits("hash", key)) return wrongKind;
  if (!holds(k, held) || k.field(key, "msg") === undefined) return recorded("lease-lost");
  k.setFields(key, { [name]: make(k.field(key, name)) });
  return recorded("written");
}

/** A log is a JSON array of lines; what is there and is none is replaced. */
export function appendLog(before: string | undefined, lines: readonly string[]): string {
  return before?.startsWith("[{") && before.endsWith("}]") ? `${before.slice(0, -1)},${lines.join(",")}]` : `[${lines.join(",")}]`;
}
