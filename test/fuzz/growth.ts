/** How the time of some work grows with its size: 1 is linear, 2 is quadratic. */
export interface Growth {
  readonly exponent: number;
  /** Milliseconds for as much as the largest, in pieces of each size. */
  readonly wallMs: readonly number[];
}

/**
 * Measures the same amount of work in pieces of sizes that double: what grows linearly takes as long in a few large pieces as in many
 * small ones, what is quadratic takes twice as long whenever they double. So each measurement lasts about as long as the next, and a busy
 * machine slows all alike; each is the best of several, taken round by round. The exponent is 1 and the slope of a straight line through
 * the logarithms.
 */
export async function measureGrowth(sizes: readonly number[], prepare: (size: number) => () => unknown, rounds = 3): Promise<Growth> {
  const most = Math.max(...sizes);
  const work = sizes.map((size) => ({ once: prepare(size), times: Math.round(most / size) }));
  const wallMs = sizes.map(() => Number.POSITIVE_INFINITY);
  let measured = sizes.length;
  for (let round = 0; round < rounds && measured === sizes.length; round++) {
    for (let i = 0; i < measured; i++) {
      const { once, times } = work[i]!;
      const startMs = performance.now();
      for (let left = times; left > 0; left--) await once();
      wallMs[i] = Math.min(wallMs[i]!, performance.now() - startMs);
      // It takes minutes from here on, and is seen already.
      if (wallMs[i]! > 3_000 && wallMs[i]! > 3 * wallMs[0]!) measured = i + 1;
    }
  }
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const xs = sizes.slice(0, measured).map(Math.log2);
  const ys = wallMs.slice(0, measured).map(Math.log2);
  const [mx, my] = [mean(xs), mean(ys)];
  const covariance = mean(xs.map((x, i) => (x - mx) * (ys[i]! - my)));
  return { exponent: 1 + covariance / mean(xs.map((x) => (x - mx) ** 2)), wallMs };
}
