import type { EnqueueOptions } from "@asynqjs/core";
import type { GoPeer } from "../go-peer.ts";
import { type Move, type MoveTask, type Queue, queues } from "./moves.ts";
import type { Moment, Side } from "./side.ts";

/** The id that stands for a name in a lane. */
export function nameIn(lane: string, id: string, queue: Queue): string {
  return `${id}${id === "hold" ? `@${queue}` : ""}.${lane}`;
}

/** What a move means at this time in a lane. */
export function momentOf(move: Move, startMs: number, lane: string, fixedDelay: boolean): Moment {
  const queue = "queue" in move ? move.queue : "default";
  const nowSec = Math.floor(startMs / 1000);
  const at = (sec: number | undefined): Date | undefined => (sec === undefined ? undefined : new Date((nowSec + sec) * 1000));
  const idOf: Moment["idOf"] = ({ id }) => (typeof id === "string" ? { taskId: nameIn(lane, id, queue) } : { chance: id });
  const optionsOf = (task: MoveTask): EnqueueOptions => {
    const { deadlineInSec, processAtInSec, group, ...rest } = task.options;
    const { taskId } = idOf(task);
    return { ...rest, taskId, deadline: at(deadlineInSec), processAt: at(processAtInSec), group: groupIn(queue, group) };
  };
  const heldIds = queues.map((held) => nameIn(lane, "hold", held));
  return { startMs, queue, optionsOf, idOf, heldIds, fixedDelay, of: (other) => momentOf(other, startMs, lane, fixedDelay) };
}

/** Groups of two queues have two names: aggregated tasks are told apart by their group's. */
function groupIn(queue: Queue, group: string | undefined): string | undefined {
  return group === undefined ? undefined : `${group}@${queue}`;
}

/** Does what the move says, and answers what was answered; what is the inspector's, Go's does in either database. */
export function act(side: Side, inspector: GoPeer, move: Move, moment: Moment, lane: string): Promise<unknown> {
  const told = (answer: Promise<unknown>): Promise<unknown> => answer.catch((error: Error) => `error: ${error.message}`);
  switch (move.move) {
    case "enqueue":
      return side.enqueue(move, moment);
    case "pass":
      return side.pass(move.sec);
    case "work":
      return side.work(move, moment);
    case "pause":
    case "unpause":
      return side[move.move](move.queue);
    case "cancel":
      return side.cancel([nameIn(lane, move.id, "default")]);
    case "run":
    case "archive":
    case "delete":
      return told(inspector.act(move.move, { queue: move.queue, id: nameIn(lane, move.id, move.queue) }));
    case "runAll":
    case "archiveAll":
    case "deleteAll": {
      const group = groupIn(move.queue, move.group);
      return told(inspector.actOnAll(move.move, { queue: move.queue, state: move.state, ...(group === undefined ? {} : { group }) }));
    }
    case "deleteQueue":
      return told(inspector.deleteQueue(move.queue, move.force));
    case "updatePayload":
      return told(inspector.updatePayload(move.queue, nameIn(lane, move.id, move.queue), move.payload));
  }
}
