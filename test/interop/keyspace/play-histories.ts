import fc from "fast-check";
import { brieflyRetried, histories } from "./draw-histories.ts";
import { Lane, type LaneOptions } from "./lane.ts";
import { describeMove, type Move } from "./moves.ts";

export interface Played {
  readonly histories: number;
  readonly moves: number;
  /** Moves during which Go's second ended: of those the times are compared to that second. */
  readonly crossed: number;
  /** Histories that were begun anew, since a second ended in the middle of what has to have one time. */
  readonly begunAnew: number;
}

export interface PlayOptions extends Omit<LaneOptions, "redisUrls" | "name"> {
  readonly count: number;
  /** So many at once, each in two databases from `firstDatabase` on of this Redis. */
  readonly lanes: number;
  readonly redisUrl: string;
  readonly firstDatabase: number;
  readonly seed: number;
  /** One history alone, of one lane. */
  readonly path: string | undefined;
}

/**
 * Draws histories and plays each on both sides.
 * @throws {Error} the shortest history found after which they differ, and how to play it again
 */
export async function playHistories({ count, lanes, redisUrl, firstDatabase, seed, path, ...options }: PlayOptions): Promise<Played> {
  const running = Array.from({ length: path === undefined ? Math.min(lanes, count) : 1 }, (_, i) => {
    const at = (side: number): string => `${redisUrl}/${firstDatabase + 2 * i + side}`;
    const ofLane = path === undefined ? seed * 100 + i : seed;
    return { lane: new Lane({ ...options, redisUrls: [at(0), at(1)], name: `${firstDatabase}-${i}` }), seed: ofLane };
  });
  let [played, begunAnew] = [0, 0];
  const failing = new Set<Lane>();
  const ended = await Promise.allSettled(
    running.map(async ({ lane, seed: ofLane }, i) => {
      const numRuns = Math.ceil((count - i) / running.length);
      const drawn = histories(options.version).map((history) => (options.fixedDelay ? history : brieflyRetried(history)));
      const property = fc.asyncProperty(drawn, async (history) => {
        // One that failed is enough; the lane that found it makes it shorter.
        if (failing.size > 0 && !failing.has(lane)) return;
        played++;
        const play = async (): Promise<void> => {
          for (const move of history) await lane.make(move);
        };
        try {
          while (!(await lane.isPlayed(play))) begunAnew++;
        } catch (error) {
          failing.add(lane);
          throw error;
        }
      });
      const limit = { interruptAfterTimeLimit: shrinkMs(numRuns), markInterruptAsFailure: true };
      report(options, await fc.check(property, { numRuns, seed: ofLane, ...(path === undefined ? {} : { path }), ...limit }));
    }),
  );
  await Promise.all(running.map(({ lane }) => lane.end()));
  for (const end of ended) if (end.status === "rejected") throw end.reason;
  const sum = (of: (lane: Lane) => number): number => running.reduce((total, { lane }) => total + of(lane), 0);
  return { histories: played, moves: sum((lane) => lane.moves), crossed: sum((lane) => lane.crossed), begunAnew };
}

/** A history takes some seconds with the oldest Go, and a failing one is made shorter. */
function shrinkMs(numRuns: number): number {
  return numRuns * 60_000 + 180_000;
}

function report({ version, fixedDelay }: Pick<LaneOptions, "version" | "fixedDelay">, found: fc.RunDetails<[readonly Move[]]>): void {
  if (!found.failed) return;
  const why = found.errorInstance instanceof Error ? found.errorInstance.message : "interrupted";
  const moves = (found.counterexample?.[0] ?? []).map(describeMove).join("\n");
  const flags = `ASYNQJS_SEED=${found.seed} ASYNQJS_PATH=${found.counterexamplePath}`;
  const test = `${version} > random histories ${fixedDelay ? "leave" : "with"}`;
  throw new Error(`${why}\nin the history\n${moves}\nagain: ${flags} npm run interop -- keyspace -t "${test}"`);
}
