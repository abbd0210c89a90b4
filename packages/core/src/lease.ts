/**
 * A lease is a score: the whole second is when it ends, the fraction whose it is. Go range-scans that set and writes whole numbers, so a
 * fraction disturbs no Go peer and a whole number is a Go owner's.
 * @module
 */
import type { Random } from "./clock.ts";

/** How long a lease lasts from the dequeue, and from each extension. Asynq: `LeaseDuration`. */
export const leaseSec = 30;

/** The token is a fraction of so many parts: exact in a double beside a whole second. */
export const tokenParts: number = 2 ** 20;

/** Draws the token of one dequeue call: 1 to 2²⁰−1, never 0, which is what a Go owner's whole second has. */
export function drawToken(random: Random): number {
  return 1 + Math.floor(random.float() * (tokenParts - 1));
}

/** The score of a lease. */
export function leaseScore(untilSec: number, token: number): number {
  return untilSec + token / tokenParts;
}

/**
 * Why somebody may settle a task: by the token of its dequeue, or, for a recoverer, by the whole score it read, exactly as Redis printed
 * it. A script that finds another score, or none, writes nothing and answers `lease-lost`.
 */
export type Fence = { readonly token: number } | { readonly expiredScore: string };

/** The fence as the scripts read it: `524288` or `=1700000000.5`. */
export function fenceText(fence: Fence): string {
  return "token" in fence ? String(fence.token) : `=${fence.expiredScore}`;
}
