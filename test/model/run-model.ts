import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import fc from "fast-check";
import { Redis } from "ioredis";
import { type Bench, History } from "./history.ts";
import { histories, type Step } from "./kinds.ts";
import { scriptsByHash } from "./model-port.ts";
import { KeyspaceReader } from "./read-keyspace.ts";

export interface ModelOptions {
  /** Where histories run; the database is emptied. */
  readonly redisUrl: string;
  /** Ends when so many steps are done or so much time has passed. */
  readonly steps: number;
  readonly seconds: number;
  readonly seed: number;
  /** Of a failure that is to be seen again. */
  readonly path?: string | undefined;
  /** Whether a failing history is made as short as it may be. Default true. */
  readonly shrink?: boolean | undefined;
}

interface ModelFailure {
  readonly seed: number;
  readonly path: string;
  /** The history, step by step, and what was wrong after the last. */
  readonly steps: readonly string[];
  readonly why: string;
}

export interface ModelResult {
  readonly steps: number;
  readonly histories: number;
  readonly elapsedMs: number;
  readonly failure?: ModelFailure | undefined;
}

/** How long it looks for a shorter history that fails too. */
const shrinkSeconds = 30;
/** So many histories share a seed; the next ones have the next. */
const historiesPerSeed = 50;

/** Runs random histories on a real Redis against the model until one fails or there were enough. */
export async function runModel({ redisUrl, steps, seconds, seed, path, shrink = true }: ModelOptions): Promise<ModelResult> {
  const redis = new Redis(redisUrl, { protocol: 2 });
  const port = ioredisPort(redis);
  const bench: Bench = { redis, port, reader: new KeyspaceReader(redis), scripts: await scriptsByHash(await port.features()) };
  const startMs = performance.now();
  const elapsedMs = (): number => performance.now() - startMs;
  let [done, count] = [0, 0];
  /** The shortest history that fails so far. */
  let last: History | undefined;
  let failedMs: number | undefined;

  const property = fc.asyncProperty(histories, async (history: Step[]) => {
    if (failedMs === undefined ? done >= steps || elapsedMs() >= seconds * 1000 : elapsedMs() - failedMs >= shrinkSeconds * 1000) return;
    await redis.flushdb();
    const run = new History(bench);
    count++;
    for (const { kind, args, fault } of history) {
      const operation = kind.prepare(args, run);
      if (operation === undefined) continue;
      done++;
      try {
        await run.step(operation, fault);
      } catch (error) {
        failedMs ??= elapsedMs();
        last = run;
        throw error;
      }
    }
  });
  try {
    for (let nth = seed; done < steps && elapsedMs() < seconds * 1000; nth = (nth + 1) % 2 ** 31) {
      const checked = await fc.check(property, {
        seed: nth,
        ...(path === undefined ? {} : { path }),
        numRuns: historiesPerSeed,
        endOnFailure: !shrink,
      });
      if (checked.failed) {
        const why = String((checked.errorInstance as Error)?.stack ?? checked.errorInstance);
        return {
          steps: done,
          histories: count,
          elapsedMs: elapsedMs(),
          failure: { seed: nth, path: checked.counterexamplePath!, steps: last!.steps, why },
        };
      }
      if (path !== undefined) break;
    }
    return { steps: done, histories: count, elapsedMs: elapsedMs() };
  } finally {
    redis.disconnect();
    await port.close();
  }
}
