import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import fc from "fast-check";
import { Redis } from "ioredis";
import { finish } from "./finish.ts";
import { type Bench, History } from "./history.ts";
import { histories, type KeptStep, kindOf, type Step } from "./kinds.ts";
import { scriptsByHash } from "./model-port.ts";
import { KeyspaceReader } from "./read-keyspace.ts";
import { shorten } from "./shorten.ts";

export interface ModelOptions {
  /** Where histories run, a URL or the path of a socket; the database is emptied. */
  readonly redisUrl: string;
  /** Ends when so many steps are done or so much time has passed. */
  readonly steps: number;
  readonly seconds: number;
  readonly seed: number;
  /** Of a failure that is to be seen again. */
  readonly path?: string | undefined;
  /** Whether a failing history is made short, which takes up to half a minute. Default true. */
  readonly shrink?: boolean | undefined;
}

interface ModelFailure {
  readonly seed: number;
  readonly path: string;
  /** The history as it can be kept, in `found.ts`, and run again whatever becomes of the generator. */
  readonly history: readonly KeptStep[];
  /** The history, step by step, and what was wrong after the last. */
  readonly steps: readonly string[];
  readonly why: string;
}

export interface ModelResult {
  /** Up to the first failure. */
  readonly steps: number;
  readonly histories: number;
  readonly elapsedMs: number;
  readonly failure?: ModelFailure | undefined;
}

const shortenSeconds = 30;
/** So many histories share a seed; the next ones have the next. */
const historiesPerSeed = 50;

/** Runs random histories on a real Redis against the model until one fails or there were enough. */
export async function runModel({ redisUrl, steps, seconds, seed, path, shrink = true }: ModelOptions): Promise<ModelResult> {
  const { bench, close } = await openBench(redisUrl);
  const startMs = performance.now();
  const elapsedMs = (): number => performance.now() - startMs;
  const isOver = (): boolean => done >= steps || elapsedMs() >= seconds * 1000;
  let [done, count] = [0, 0];

  const property = fc.asyncProperty(histories, async (history) => {
    if (isOver()) return;
    const run = await runHistory(bench, history);
    done += run.steps.length;
    count++;
    if (run.error !== undefined) throw run.error;
  });
  try {
    for (let nth = seed; !isOver(); nth = (nth + 1) % 2 ** 31) {
      const checked = await fc.check(property, { seed: nth, path: path ?? "", numRuns: historiesPerSeed, endOnFailure: true });
      if (checked.failed) {
        const [found] = checked.counterexample!;
        const short = shrink ? await shortest(bench, found) : found;
        const failure = { seed: nth, path: checked.counterexamplePath!, ...(await failureOf(bench, short, checked.errorInstance)) };
        return { steps: done, histories: count, elapsedMs: elapsedMs(), failure };
      }
      if (path !== undefined) break;
    }
    return { steps: done, histories: count, elapsedMs: elapsedMs() };
  } finally {
    await close();
  }
}

/** Runs one history that was kept; answers what goes wrong in it, if anything. */
export async function runKept(redisUrl: string, history: readonly KeptStep[]): Promise<Pick<ModelFailure, "steps" | "why"> | undefined> {
  const { bench, close } = await openBench(redisUrl);
  try {
    const steps = history.map(({ kind, ...step }) => ({ ...step, kind: kindOf(kind) }));
    const { error, ...run } = await runHistory(bench, steps);
    return error && { ...run, why: String(error.stack) };
  } finally {
    await close();
  }
}

async function openBench(redisUrl: string): Promise<{ readonly bench: Bench; readonly close: () => Promise<void> }> {
  const redis = new Redis(redisUrl, { protocol: 2 });
  const port = ioredisPort(redis);
  const scripts = await scriptsByHash(await port.features());
  return {
    bench: { redis, port, reader: new KeyspaceReader(redis), scripts },
    async close() {
      redis.disconnect();
      await port.close();
    },
  };
}

async function failureOf(bench: Bench, history: readonly Step[], first: unknown): Promise<Omit<ModelFailure, "seed" | "path">> {
  const { steps, error } = await runHistory(bench, history);
  const why = error === undefined ? `it fails no more when it is run again; at first: ${(first as Error).stack}` : String(error.stack);
  return { steps, why, history: history.map(({ kind, ...step }) => ({ ...step, kind: kind.name })) };
}

/** Runs one history on an empty database, to its end or to where reality and the model part. */
async function runHistory(bench: Bench, history: readonly Step[]): Promise<{ readonly steps: readonly string[]; readonly error?: Error }> {
  await bench.redis.flushdb();
  const run = new History(bench);
  try {
    for (const { kind, args, fault } of history) {
      const operation = kind.prepare(args, run);
      if (operation !== undefined) await run.step(operation, fault);
    }
    await finish(run);
  } catch (error) {
    // Where the machine stood still, keys ended by Redis' own time: that shows nothing.
    if (!run.hasStalled) return { steps: run.steps, error: error as Error };
  }
  return { steps: run.steps };
}

function shortest(bench: Bench, history: readonly Step[]): Promise<Step[]> {
  const untilMs = performance.now() + shortenSeconds * 1000;
  return shorten(
    history,
    async (shorter) => (await runHistory(bench, shorter)).error !== undefined,
    () => performance.now() >= untilMs,
  );
}
