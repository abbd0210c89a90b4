import type { Reply } from "@asynqjs/core";
import { type Answer, recorded, unrecorded } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { layoutOf, secOf, taskAt } from "../layout.ts";
import { toBytes } from "../stored-message.ts";

/** A dequeue as it was sent: what was drawn for it included. */
export interface DequeueCall {
  readonly queues: readonly string[];
  readonly limit: number;
  readonly suspect: boolean;
  readonly token: number;
  /** From which of the five seconds on suspects are put off. */
  readonly turn: number;
  readonly nowMs: number;
}

interface TakenTask {
  readonly queue: string;
  readonly id: string;
  readonly msg: string;
  readonly token: number;
  readonly leaseUntilSec: number;
  readonly suspect: boolean;
  readonly waitedMs: number | undefined;
}

export interface TakenTasks {
  readonly tasks: readonly TakenTask[];
  readonly dangling: number;
  readonly putOff: number;
  readonly brokenQueues: readonly string[];
}

/** The fraction of a lease says whose it is. */
export const fractionOf = (token: number): number => token / 2 ** 20;

/** pending -> active, of each queue in turn; a paused queue gives none. */
export function dequeueTasks(k: Keyspace, { queues, limit, suspect, token, turn, nowMs }: DequeueCall): Answer {
  const nowSec = secOf(nowMs);
  const leaseUntilSec = nowSec + 30;
  const tasks: TakenTask[] = [];
  const brokenQueues: string[] = [];
  let [dangling, putOff, popped] = [0, 0, 0];
  for (const queue of queues) {
    const { pending, active, lease, scheduled, paused } = layoutOf(queue);
    if (!k.fits("list", pending) || !k.fits("list", active) || !k.fits("zset", lease) || !k.fits("zset", scheduled)) {
      brokenQueues.push(queue);
      continue;
    }
    if (k.has(paused)) continue;
    while (tasks.length < limit) {
      const id = k.popRight(pending);
      if (id === undefined) break;
      popped++;
      const key = taskAt(queue, id);
      const msg = k.field(key, "msg");
      if (msg === undefined) {
        dangling++;
        if (k.kind(key) === "hash") k.drop(key);
        continue;
      }
      const isSuspect = crashesOf(k, key);
      if (isSuspect && (!suspect || tasks.some((task) => task.suspect))) {
        k.setScore(scheduled, id, nowSec + 1 + ((turn + putOff) % 5));
        k.setFields(key, { state: "scheduled" });
        k.dropFields(key, "pending_since");
        putOff++;
        continue;
      }
      const sinceNs = k.field(key, "pending_since");
      const waitedMs = sinceNs === undefined ? undefined : Math.max(0, Math.floor(nowMs) - Number(sinceNs.slice(0, -6)));
      k.setFields(key, { state: "active" });
      k.dropFields(key, "pending_since");
      k.pushLeft(active, id);
      k.setScore(lease, id, leaseUntilSec + fractionOf(token));
      tasks.push({ queue, id, msg, token, leaseUntilSec, suspect: isSuspect, waitedMs });
    }
  }
  const taken: TakenTasks = { tasks, dangling, putOff, brokenQueues };
  return popped > 0 ? recorded(taken) : unrecorded(taken);
}

/** A repetition is answered the tasks that are still held by the token, their messages read again, and nothing of how long they waited. */
export function dequeuedAgain(
  k: Keyspace,
  queues: readonly string[],
  first: unknown,
): { readonly value: TakenTasks; readonly reply: readonly Reply[] } {
  const value = stillHeld(k, first as TakenTasks);
  const counts = queues.map((queue) =>
    value.brokenQueues.includes(queue) ? "x" : value.tasks.filter((task) => task.queue === queue).length,
  );
  const suspectAt = value.tasks.findIndex(({ suspect }) => suspect) + 1;
  const head = `${value.dangling},${value.putOff},${suspectAt};${counts.join(",")};`;
  return { value, reply: [head, ...value.tasks.flatMap(({ id, msg }) => [id, msg])].map(toBytes) };
}

function stillHeld(k: Keyspace, taken: TakenTasks): TakenTasks {
  const held = taken.tasks.flatMap((task): TakenTask[] => {
    const key = taskAt(task.queue, task.id);
    const msg = k.field(key, "msg");
    const score = k.score(layoutOf(task.queue).lease, task.id);
    if (msg === undefined || score === undefined || score % 1 !== fractionOf(task.token)) return [];
    return [{ ...task, msg, suspect: crashesOf(k, key), waitedMs: undefined }];
  });
  // One of them is told to be the suspect.
  const last = held.findLastIndex(({ suspect }) => suspect);
  return { ...taken, tasks: held.map((task, i) => ({ ...task, suspect: i === last })) };
}

function crashesOf(k: Keyspace, key: string): boolean {
  return /^[1-9]/.test(k.field(key, "js:recovered") ?? "");
}
