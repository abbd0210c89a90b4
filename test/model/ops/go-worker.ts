/** What a Go worker and a Go recoverer do, by the steps of the specification: without a fence, and writing before they look. @module */
import fc from "fast-check";
import type { PlainCommand } from "../commands.ts";
import type { GoTask, History } from "../history.ts";
import type { Keyspace } from "../keyspace.ts";
import { dayOf, keyOf, layoutOf, secOf, taskAt } from "../layout.ts";
import type { Operation, OperationKind } from "../operation.ts";
import { changeStored, readStored } from "../stored-message.ts";
import { queues } from "./new-task.ts";

const leaseSec = 30;

export const goDequeueKind: OperationKind<{ queue: number }> = {
  name: "go-dequeue",
  weight: 4,
  args: fc.record({ queue: fc.nat(1) }),
  prepare({ queue: nth }, history) {
    const { keyspace: k } = history;
    const queue = queues[nth]!;
    const { pending, active, lease, paused } = layoutOf(queue);
    const id = k.items(pending).at(-1);
    const task = taskAt(queue, id ?? "");
    if (id === undefined || k.has(paused) || !k.fits("list", active) || !k.fits("zset", lease) || !k.fits("hash", task)) return undefined;
    // A hash that is gone is begun anew with nothing but a state, and to the worker the queue is empty.
    const msg = k.field(task, "msg");
    const commands: PlainCommand[] = [
      ["RPOP", pending],
      ["LPUSH", active, id],
      ["HSET", task, "state", "active"],
      ["HDEL", task, "pending_since"],
      ["ZADD", lease, secOf(k.nowMs) + leaseSec, id],
    ];
    return {
      text: `a Go worker takes ${queue}/${id}`,
      async run() {
        await history.behindBack(commands);
        if (msg !== undefined && typeof readStored(msg, queue, id) !== "string") history.goHolds({ queue, id, msg });
      },
    };
  },
};

export const goSettleKind: OperationKind<{ at: number; to: number; inSec: number }> = {
  name: "go-settle",
  weight: 5,
  args: fc.record({ at: fc.nat(3), to: fc.nat(5), inSec: fc.constantFrom(0, 3, 40) }),
  prepare({ at, to, inSec }, history) {
    const held = history.goHeld[at % history.goHeld.length];
    if (held === undefined) return undefined;
    const { keyspace: k } = history;
    const { queue, id } = held;
    const { lease } = layoutOf(queue);
    if (to === 5) {
      if (k.score(lease, id) === undefined) return undefined;
      const until: PlainCommand = ["ZADD", lease, secOf(k.nowMs) + leaseSec, id];
      return { text: `a Go worker extends ${queue}/${id}`, run: () => history.behindBack([until]) };
    }
    return settleByGo(history, held, (["done", "completed", "retry", "archived", "requeue"] as const)[to]!, inSec);
  },
};

export const goRecoverKind: OperationKind<{ queue: number }> = {
  name: "go-recover",
  weight: 2,
  args: fc.record({ queue: fc.nat(1) }),
  prepare({ queue: nth }, history) {
    const { keyspace: k } = history;
    const queue = queues[nth]!;
    const [first] = k.ranked(layoutOf(queue).lease);
    if (first === undefined || first[1] > secOf(k.nowMs) - leaseSec) return undefined;
    const [id] = first;
    const msg = k.field(taskAt(queue, id), "msg");
    const message = msg === undefined ? "none" : readStored(msg, queue, id);
    // One that cannot be read stops a Go recoverer.
    if (typeof message === "string") return undefined;
    return settleByGo(history, { queue, id, msg: msg! }, message.retried >= message.retry ? "archived" : "retry", 0);
  },
};

type GoOutcome = "done" | "completed" | "retry" | "archived" | "requeue";

/** Its script removes the task from the active ones, then looks for the lease, then goes on: where one is missing it stops there. */
function settleByGo(history: History, { queue, id, msg }: GoTask, to: GoOutcome, inSec: number): Operation | undefined {
  const { keyspace: k } = history;
  const keys = layoutOf(queue);
  const task = taskAt(queue, id);
  const nowSec = secOf(k.nowMs);
  const container = to === "requeue" ? keys.pending : to === "done" ? undefined : keys[to];
  const fits = container === undefined || k.fits(to === "requeue" ? "list" : "zset", container);
  if (!k.fits("list", keys.active) || !k.fits("zset", keys.lease) || !k.fits("hash", task) || !fits) return undefined;
  const text = `a Go worker settles ${queue}/${id} ${to}`;
  if (!k.items(keys.active).includes(id)) return undefined;
  const commands: PlainCommand[] = [["LREM", keys.active, 0, id]];
  const send = (): Operation => ({ text, run: () => history.behindBack(commands) });
  if (k.score(keys.lease, id) === undefined) return send();
  commands.push(["ZREM", keys.lease, id]);
  if (to === "done" && !k.has(task)) return send();

  const message = readStored(msg, queue, id) as Exclude<ReturnType<typeof readStored>, string>;
  const failed = { errorMsg: "Go failed", lastFailedAtSec: nowSec };
  const put = (score: number, state: string, bytes: string): void => {
    commands.push(["ZADD", container!, score, id], ["HSET", task, "msg", bytes], ["HSET", task, "state", state]);
  };
  // A message that Go writes anew has lost what Go does not know.
  const rewritten = (changes: Parameters<typeof changeStored>[1]): string => changeStored(msg, changes, "known");
  if (to === "done") commands.push(["DEL", task]);
  if (to === "completed") put(nowSec + inSec, "completed", rewritten({ completedAtSec: nowSec }));
  if (to === "retry") put(nowSec + inSec, "retry", rewritten({ ...failed, retried: Math.min(message.retried + 1, message.retry) }));
  if (to === "archived") put(nowSec, "archived", rewritten(failed));
  if (to === "requeue") commands.push(["RPUSH", keys.pending, id], ["HSET", task, "state", "pending"]);
  if (to !== "requeue") commands.push(...count(k, queue, "processed"));
  if (to === "retry" || to === "archived") commands.push(...count(k, queue, "failed"));
  const lock = message.uniqueKey;
  if ((to === "done" || to === "completed") && lock && k.text(lock) === id) commands.push(["DEL", lock]);
  return send();
}

function count(k: Keyspace, queue: string, name: "processed" | "failed"): PlainCommand[] {
  const day = keyOf(queue, `${name}:${dayOf(k.nowMs)}`);
  const expires: PlainCommand[] = k.has(day) ? [] : [["EXPIREAT", day, secOf(k.nowMs) + 90 * 24 * 3600]];
  return [["INCR", day], ...expires, ["INCR", keyOf(queue, name)]];
}
