/** What only reads: each answers what the model holds, and changes nothing. @module */
import { listExpiredLeases, listGroups, listQuarantined, listQueues, readHandedBack, readQueueStats } from "@asynqjs/core";
import fc from "fast-check";
import { ask, Refusal, type Steps, Thrown, unrecorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { dayOf, groupAt, keyOf, layoutOf, queuesKey, secOf, taskAt } from "../layout.ts";
import type { Operation, OperationKind } from "../operation.ts";
import { ids, queues } from "./new-task.ts";

export const readKind: OperationKind<{ by: number; queue: number; id: number; what: number }> = {
  name: "read",
  weight: 5,
  args: fc.record({ by: fc.nat(3), queue: fc.nat(1), id: fc.nat(4), what: fc.constantFrom(0, 1, 2, 3, 3, 3, 4, 5) }),
  prepare({ by, queue: nth, id: nthId, what }, history): Operation {
    const { broker, name, nowMs } = history.actors[by]!;
    const queue = queues[nth]!;
    const id = ids[nthId]!;
    const nowSec = secOf(nowMs);
    const of = (text: string, run: () => Promise<unknown>, script: string, read: (k: Keyspace) => unknown): Operation => ({
      text: `${name} ${text}`,
      moves: [],
      run,
      *steps(): Steps {
        const answer = yield* ask({
          name: script,
          apply(k) {
            const value = read(k);
            return value === wrongKind ? wrongKind : unrecorded(value);
          },
        });
        return answer instanceof Refusal ? new Thrown(answer.reply) : answer;
      },
    });
    switch (what) {
      case 0:
        return of(
          "lists the queues",
          () => listQueues(broker),
          "SMEMBERS",
          (k) => [...k.members(queuesKey)].sort(),
        );
      case 1:
        return of(
          `reads how often ${queue}/${id} was handed back`,
          () => readHandedBack(broker, { queue, id }),
          "HGET",
          (k) => Number(k.field(taskAt(queue, id), "js:handed_back") ?? 0),
        );
      case 2:
        return of(
          `lists the quarantine of ${queue}`,
          () => listQuarantined(broker, queue),
          "list-quarantined",
          (k) => quarantined(k, queue),
        );
      case 3:
        return of(
          `lists the expired leases of ${queue}`,
          async () => {
            const { leases, more } = await listExpiredLeases(broker, queue, nowSec);
            history.expired = leases.flatMap(({ msg, ...lease }) => (msg === undefined ? [] : [{ ...lease, queue, msg }]));
            return { leases: leases.map(({ score, ...lease }) => ({ ...lease, score: Number(score) })), more };
          },
          "list-expired-leases",
          (k) => expired(k, queue, nowSec),
        );
      case 5:
        return of(
          `lists the groups of ${queue}`,
          async () => [...(await listGroups(broker, queue)).groups].sort(),
          "SSCAN",
          (k) => (k.fits("set", layoutOf(queue).groups) ? [...k.members(layoutOf(queue).groups)].sort() : wrongKind),
        );
      default:
        return of(
          `reads how ${queue} stands`,
          async () => (await readQueueStats(broker, [queue])).map(({ value, error }) => value ?? { error }),
          "read-queue-stats",
          (k) => [stats(k, queue, nowMs)],
        );
    }
  },
};

function quarantined(k: Keyspace, queue: string): unknown {
  const { quarantine } = layoutOf(queue);
  if (!k.fits("zset", quarantine)) return wrongKind;
  return k.ranked(quarantine).map(([id, score]) => {
    const field = (name: string): string | undefined => k.field(taskAt(queue, id), name);
    return { id, quarantinedAt: score * 1000, from: field("js:from"), why: field("js:why"), msgBytes: field("msg")?.length ?? 0 };
  });
}

function expired(k: Keyspace, queue: string, nowSec: number): unknown {
  const { lease } = layoutOf(queue);
  if (!k.fits("zset", lease)) return wrongKind;
  const leases = k
    .ranked(lease)
    .filter(([, score]) => score <= nowSec)
    .map(([id, score]) => ({ id, score, msg: k.field(taskAt(queue, id), "msg"), recovered: k.field(taskAt(queue, id), "js:recovered") }));
  return { leases, more: false };
}

function stats(k: Keyspace, queue: string, nowMs: number): unknown {
  const keys = layoutOf(queue);
  const sets = ["scheduled", "retry", "archived", "completed", "quarantine", "lease"] as const;
  const [oldest] = k.items(keys.pending).slice(-1);
  const groups = [...k.members(keys.groups)];
  const zsets = [...sets.map((name) => keys[name]), ...groups.map((group) => groupAt(queue, group))];
  const lists = [keys.pending, keys.active].every((key) => k.fits("list", key));
  const isTask = oldest === undefined || k.fits("hash", taskAt(queue, oldest));
  if (!lists || !isTask || !k.fits("set", keys.groups) || !zsets.every((key) => k.fits("zset", key))) return { error: "WRONGTYPE" };

  const counts = Object.fromEntries(sets.map((name) => [name, k.ranked(keys[name]).length])) as Record<(typeof sets)[number], number>;
  const { quarantine, lease, ...states } = counts;
  const waiting = { pending: k.items(keys.pending).length, active: k.items(keys.active).length, ...states };
  const aggregating = groups.reduce((sum, group) => sum + k.ranked(groupAt(queue, group)).length, 0);
  const counter = (rest: string): number => Number(k.text(keyOf(queue, rest)) ?? 0);
  const sinceNs = oldest === undefined ? undefined : k.field(taskAt(queue, oldest), "pending_since");
  return {
    queue,
    ...waiting,
    size: aggregating + Object.values(waiting).reduce((sum, count) => sum + count, 0),
    aggregating,
    groups: groups.length,
    quarantined: quarantine,
    leases: lease,
    processed: counter(`processed:${dayOf(nowMs)}`),
    failed: counter(`failed:${dayOf(nowMs)}`),
    processedTotal: counter("processed"),
    failedTotal: counter("failed"),
    paused: k.has(keys.paused),
    latencyMs: sinceNs === undefined ? 0 : Math.max(0, nowMs - Number(sinceNs.slice(0, -6))),
  };
}
