/** What Go's client and aggregator do, by the steps of the specification; their holes included. @module */
import { uuid } from "@asynqjs/core";
import { seededRandom } from "@asynqjs/core/testing";
import fc from "fast-check";
import type { PlainCommand } from "../commands.ts";
import type { Keyspace } from "../keyspace.ts";
import { groupAt, groupOfSet, layoutOf, nsOf, queuesKey, secOf, setAt, taskAt } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { groups, queues, stored, type TaskArgs, taskArgs, taskText } from "./new-task.ts";

/** Go lets a group be named as a set of another group is. */
const likeASet = `${groups[0]}:00000000-0000-4000-8000-000000000000`;

/**
 * The lock is taken before the id is looked at, and stays where the id is taken; a task of a group does not name its lock; a queue is named
 * by who does not know it yet.
 */
function enqueueByGo(k: Keyspace, args: TaskArgs, group: string | undefined): PlainCommand[] {
  const queue = queues[args.queue]!;
  const { id, msg, processAtSec, lock, lockTtlSec } = stored(args, k.nowMs);
  const { pending, scheduled, groups: index } = layoutOf(queue);
  const task = taskAt(queue, id);
  const key = groupAt(queue, group ?? "");
  if (!k.fits("list", pending) || !k.fits("zset", scheduled) || !k.fits("set", index) || !k.fits("zset", key) || !k.fits("set", queuesKey))
    return [];
  if (lock !== undefined && k.has(lock)) return [];
  const commands: PlainCommand[] = [["SADD", queuesKey, queue]];
  if (lock !== undefined) commands.push(["SET", lock, id, "EX", lockTtlSec!]);
  if (k.has(task)) return commands;
  commands.push(["HSET", task, "msg", msg]);
  if (processAtSec !== undefined) commands.push(["HSET", task, "state", "scheduled"], ["ZADD", scheduled, processAtSec, id]);
  else if (group !== undefined)
    commands.push(
      ["HSET", task, "state", "aggregating"],
      ["HSET", task, "group", group],
      ["ZADD", key, secOf(k.nowMs), id],
      ["SADD", index, group],
    );
  else commands.push(["HSET", task, "state", "pending"], ["HSET", task, "pending_since", nsOf(k.nowMs)], ["LPUSH", pending, id]);
  if (lock !== undefined && (processAtSec !== undefined || group === undefined)) commands.push(["HSET", task, "unique_key", lock]);
  return commands;
}

export const goEnqueueKind: OperationKind<{ task: TaskArgs; likeSet: boolean }> = {
  name: "go-enqueue",
  weight: 3,
  args: fc.record({ task: taskArgs, likeSet: fc.boolean() }),
  prepare({ task, likeSet }, history) {
    const group = task.group === 0 || task.dueSec > 0 ? undefined : likeSet ? likeASet : groups[task.group - 1]!;
    const commands = enqueueByGo(history.keyspace, task, group);
    if (commands.length === 0) return undefined;
    return {
      text: `Go's client enqueues ${taskText(task)}${likeSet ? ` as of group ${group}` : ""}`,
      run: () => history.behindBack(commands),
    };
  },
};

export const goAggregateKind: OperationKind<{ queue: number; what: number; group: number; seed: number }> = {
  name: "go-aggregate",
  weight: 3,
  args: fc.record({ queue: fc.nat(1), what: fc.nat(2), group: fc.nat(2), seed: fc.nat(1_000) }),
  prepare({ queue: nth, what, group: nthGroup, seed }, history) {
    const { keyspace: k } = history;
    const queue = queues[nth]!;
    const { sets, groups: index } = layoutOf(queue);
    if (!k.fits("zset", sets) || !k.fits("set", index)) return undefined;
    const nowSec = secOf(k.nowMs);
    const group = [...groups, likeASet][nthGroup]!;
    const send = (text: string, commands: PlainCommand[]) => ({ text: `Go's aggregator ${text}`, run: () => history.behindBack(commands) });

    if (what === 0) {
      const key = groupAt(queue, group);
      if (k.ranked(key).length === 0 || !k.members(index).has(group)) return undefined;
      const setKey = setAt(queue, group, uuid(seededRandom(seed)));
      if (k.has(setKey)) return undefined;
      const moved = k.ranked(key).flatMap(([id, score]): PlainCommand[] => [["ZADD", setKey, score, id]]);
      return send(`makes a set of ${queue}/${group}`, [
        ...moved,
        ["DEL", key],
        ["ZADD", sets, nowSec + 120, setKey],
        ["SREM", index, group],
      ]);
    }
    const [first] = k.ranked(sets);
    if (first === undefined || k.kind(first[0]) !== "zset") return undefined;
    const [setKey, deadline] = first;
    const members = k.ranked(setKey);
    if (what === 1) {
      const gone = members.map(([id]): PlainCommand => ["DEL", taskAt(queue, id)]);
      return send(`deletes the tasks of a set of ${queue}`, [...gone, ["DEL", setKey], ["ZREM", sets, setKey]]);
    }
    const home = groupAt(queue, groupOfSet(queue, setKey) ?? "");
    if (deadline > nowSec || !k.fits("zset", home)) return undefined;
    const back = members.map(([id, score]): PlainCommand => ["ZADD", home, score, id]);
    return send(`gives a set of ${queue} back, and does not name its group`, [...back, ["DEL", setKey], ["ZREM", sets, setKey]]);
  },
};
