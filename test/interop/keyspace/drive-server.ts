import { queues } from "./moves.ts";
import { lookWhileHeld, type QuietFor, untilListening, untilQuiet } from "./quiet.ts";
import type { Moment, Side, Work } from "./side.ts";
import type { Snapshot } from "./snapshot.ts";

/** A server of either side. */
export interface DrivenServer {
  start(): Promise<void>;
  /** Lets handlers go on that hold a task. */
  release(): Promise<void>;
  shutdown(): Promise<void>;
  readonly quiet: Pick<QuietFor, "deletesCompleted" | "trimsArchive">;
}

/** Lets a server work until nothing is left to do, does meanwhile what the move says, and ends it; answers what was to be looked at. */
export async function driveServer(side: Side, move: Work, moment: Moment, server: DrivenServer): Promise<Snapshot | undefined> {
  const { redis } = side.database;
  const { whileHeld } = move;
  const heldIds = whileHeld === "nothing" ? [] : moment.heldIds;
  const quiet = { ...server.quiet, nowSec: Math.floor(moment.startMs / 1000), aggregates: move.groupMaxSize !== undefined };
  await server.start();
  try {
    if (whileHeld === "nothing") await server.release();
    await untilQuiet(redis, { ...quiet, heldIds });
    const seen = await lookWhileHeld(side.database, whileHeld);
    switch (whileHeld) {
      case "cancel":
        await untilListening(redis);
        // Go hears of it only once the handler was called, which nothing tells.
        await untilQuiet(redis, { ...quiet, heldIds: [] }, () => side.cancel(heldIds));
        break;
      case "shut-down":
        await shutdownOverCrowd(side, moment, server);
        break;
      default:
        await server.release();
        await untilQuiet(redis, { ...quiet, heldIds: [] });
    }
    return seen;
  } finally {
    await server.shutdown();
    await server.release();
  }
}

/**
 * Ends a server while more tasks wait, which it does not take, since their queues are paused for so long: where the tasks stand that it
 * gives back is then seen.
 */
async function shutdownOverCrowd(side: Side, moment: Moment, server: DrivenServer): Promise<void> {
  const { redis } = side.database;
  const paused = await Promise.all(queues.map((queue) => redis.exists(`asynq:{${queue}}:paused`)));
  const running = queues.filter((_, i) => paused[i] === 0);
  for (const queue of running) await side.pause(queue);
  for (const queue of queues) {
    const move = { move: "enqueue", queue, tasks: [{ type: "t", payload: undefined, id: "crowd", options: {} }] } as const;
    await side.enqueue(move, moment.of(move));
  }
  await server.shutdown();
  for (const queue of running) await side.unpause(queue);
}
