import type { Move } from "./moves.ts";

/** Something took so long that its times tell nothing: the history is to begin anew. */
export class Untimely extends Error {
  override name = "Untimely";
}

/** Servers tell of their tasks, and extend their leases, every 5 s. */
const beforeBeatMs = 4_500;

/**
 * All that a move writes is to have one second; only a server's work may take longer than that, but where it is looked at it is not to beat.
 * @throws {Untimely}
 */
export function checkTime(move: Move, startMs: number, endMs: number): void {
  if (move.move === "work") {
    if (move.whileHeld === "look" && endMs - startMs > beforeBeatMs) throw new Untimely();
    return;
  }
  const fractionsMs = move.move === "enqueue" ? move.tasks.map(({ options }) => ((options.processInSec ?? 0) % 1) * 1000) : [];
  for (const ms of [0, ...fractionsMs]) if (secondsPassed(startMs + ms, endMs + 1 + ms) > 0) throw new Untimely();
}

export function secondsPassed(fromMs: number, toMs: number): number {
  return Math.floor(toMs / 1000) - Math.floor(fromMs / 1000);
}

/** Waits for the next second where this one is as old as that. */
export async function untilEarlyInSecond(latestMs: number): Promise<void> {
  const ms = Date.now() % 1000;
  if (ms > latestMs) await new Promise((resolve) => setTimeout(resolve, 1_001 - ms));
}
