import { freezingForReal, type Strike, strikes, type Target } from "./faults.ts";

export interface Nemesis {
  /** Strikes no more, and lets what is frozen go on; resolves when that is done. */
  rest(): Promise<void>;
}

/** The longest wait between two faults; the mean is half of it. */
const longestPauseMs = 1_500;

/**
 * Strikes by chance until it is told to rest: first a worker of either kind is frozen for so long that its tasks count as lost,
 * meanwhile everything else happens once, in any order, as long as there is anybody to strike; then whatever chance says.
 */
export function unleash(target: Target): Nemesis {
  const { random } = target;
  const lasting = new Set<Promise<unknown>>();
  let resting = false;

  const begin = (strike: Strike): Promise<unknown> => {
    const done = Promise.resolve(strike(target));
    lasting.add(done);
    void done.finally(() => lasting.delete(done));
    return done;
  };
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, random.float() * longestPauseMs));

  const striking = (async () => {
    // When they are at work.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    for (const kind of ["node", "go"] as const) void begin(freezingForReal(kind));
    let left: readonly Strike[] = shuffled(
      target,
      strikes.map(([, strike]) => strike),
    );
    while (!resting || left.length > 0) {
      await pause();
      const strike = left[0] ?? drawn(target);
      left = left.slice(1);
      const begun = begin(strike);
      // What found nobody to strike comes again, as long as tasks do.
      const missed = await Promise.race([begun.then((done) => done === false), pause().then(() => false)]);
      if (missed && !resting) left = [...left, strike];
    }
    while (lasting.size > 0) await Promise.all(lasting);
  })();

  return {
    async rest() {
      resting = true;
      await striking;
    },
  };
}

function drawn({ random }: Target): Strike {
  let at = random.float() * strikes.reduce((sum, [share]) => sum + share, 0);
  for (const [share, strike] of strikes) {
    at -= share;
    if (at < 0) return strike;
  }
  return strikes[0]![1];
}

function shuffled<T>({ random }: Target, list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, at: random.float() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
