import type { Finding, Invariant } from "./finding.ts";

/** What was measured at one moment, by a name of one's own: `scriptMs`, `sockets`, `heapBytes`. */
export type Sample = Readonly<Record<string, number>>;

/** The most that each may be at any moment. */
export type Bounds = Readonly<Record<string, number>>;

const invariant: Invariant = "I16";

/** I16: no sample is above its bound. One finding for each name, of the worst sample. */
export function withinBounds(samples: readonly Sample[], bounds: Bounds): Finding[] {
  return Object.entries(bounds).flatMap(([name, most]) => {
    const worst = Math.max(...samples.map((sample) => sample[name] ?? Number.NEGATIVE_INFINITY));
    return worst > most ? [{ invariant, queue: "", key: name, message: `was ${worst}, and may be ${most}` }] : [];
  });
}

/**
 * I16: what is to stay flat does: over the last half of the samples each rises by no more than so much in all, by a line laid through them
 * that one outlier does not turn (Theil–Sen, the median of all slopes).
 */
export function flat(samples: readonly Sample[], rises: Bounds): Finding[] {
  const half = samples.slice(Math.floor(samples.length / 2));
  return Object.entries(rises).flatMap(([name, most]) => {
    const slopes = half.flatMap((from, i) => half.slice(i + 1).map((to, n) => (to[name]! - from[name]!) / (n + 1))).sort((a, b) => a - b);
    const rise = (slopes[Math.floor(slopes.length / 2)] ?? 0) * (half.length - 1);
    return rise > most ? [{ invariant, queue: "", key: name, message: `rose by ${Math.round(rise)}, and may by ${most}` }] : [];
  });
}
