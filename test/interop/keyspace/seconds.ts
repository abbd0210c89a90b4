import type { Move } from "./moves.ts";

/** Go's second turned while a move was under way whose times are to be equal: the history is to begin anew. */
export class SecondTurned extends Error {
  override name = "SecondTurned";
}

/**
 * All that a move writes is to have one second; only a server's work may take longer than that.
 * @throws {SecondTurned}
 */
export function checkSecond(move: Move, startMs: number, endMs: number): void {
  if (move.move === "work") return;
  const fractionsMs = move.move === "enqueue" ? move.tasks.map(({ options }) => ((options.processInSec ?? 0) % 1) * 1000) : [];
  for (const ms of [0, ...fractionsMs]) if (secondsPassed(startMs + ms, endMs + 1 + ms) > 0) throw new SecondTurned();
}

export function secondsPassed(fromMs: number, toMs: number): number {
  return Math.floor(toMs / 1000) - Math.floor(fromMs / 1000);
}

/** Waits for the next second where this one is as old as that. */
export async function untilEarlyInSecond(latestMs: number): Promise<void> {
  const ms = Date.now() % 1000;
  if (ms > latestMs) await new Promise((resolve) => setTimeout(resolve, 1_001 - ms));
}
