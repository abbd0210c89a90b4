import type { Broker } from "../broker.ts";
import { sleep } from "../clock.ts";

/** What every tick takes. */
export interface TickOptions {
  /** The queues it serves. */
  readonly queues: readonly string[];
  /** When it stops taking on more, milliseconds from its start. Default 10,000. */
  readonly budgetMs?: number | undefined;
  /** With it, the tick starts over every so many milliseconds until the budget is spent; without, it runs once. */
  readonly everyMs?: number | undefined;
  /** Asked before each step besides: whether it is to stop as if its budget were spent, as when its share of requests is used up. */
  readonly enough?: (() => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What every tick answers besides its counts. */
export interface TickReport {
  /** Whether work was left when the budget was spent or the signal came. */
  readonly more: boolean;
  /** Unix seconds: when the next of what waits is due, as far as was seen; of ticks that look for it. Absent where nothing waits. */
  readonly nextSec?: number | undefined;
  /** What went wrong with one queue while the others were served. */
  readonly errors: readonly { readonly queue: string; readonly error: Error }[];
}

export const defaultBudgetMs = 10_000;

/** Whether a tick is to stop: its time is over, or it was told to. */
export type Spent = () => boolean;

/** Runs `once`, and again every `everyMs` while the budget lasts; adds the reports up. */
export async function runTick<R extends TickReport>(
  { clock }: Broker,
  { budgetMs = defaultBudgetMs, everyMs, enough, signal }: TickOptions,
  once: (spent: Spent) => Promise<R>,
): Promise<R> {
  const startMs = clock.monotonicMs();
  const spent = (): boolean => signal?.aborted === true || clock.monotonicMs() - startMs >= budgetMs || enough?.() === true;
  let sum = await once(spent);
  if (everyMs === undefined) return sum;
  for (let nextMs = startMs + everyMs; nextMs < startMs + budgetMs; nextMs += everyMs) {
    await sleep(clock, Math.max(0, nextMs - clock.monotonicMs()), signal);
    if (spent()) break;
    sum = addReports(sum, await once(spent));
  }
  return sum;
}

/** Adds up the counts of a report and a later one of the same tick; `more` and `nextSec` are the later one's. */
export function addReports<R extends TickReport>({ nextSec: _, ...sum }: R, one: NoInfer<R>): R {
  const later = one as Readonly<Record<string, unknown>>;
  const counts = Object.entries(sum).map(([name, count]) => [name, typeof count === "number" ? count + Number(later[name]) : count]);
  return { ...Object.fromEntries(counts), more: one.more, nextSec: one.nextSec, errors: [...sum.errors, ...one.errors] };
}

/** An answer of Redis about this queue is reported; a way that failed ends the tick. */
export function refused(error: unknown): Error {
  if (error instanceof Error && "reply" in error && error.reply !== undefined) return error;
  throw error;
}

/** In a request there are no more batches than that of all that has more to do, or one of each. */
const mostBatches = { raw: 1, json: 8 };

/**
 * How many batches of each of so many a request asks for: one at first, and then twice as many each time, as long as there is room. Over HTTP,
 * where each request is paid for; straight to Redis it stays one, since a pipeline holds up everybody else.
 */
export async function batchesOfEach({ redis }: Broker, of: number, wanted: number): Promise<number> {
  const { codec } = await redis.features();
  return Math.max(1, Math.min(wanted, Math.floor(mostBatches[codec] / of)));
}

/** The earliest of some times, where there is one. */
export function earliest(...secs: readonly (number | undefined)[]): number | undefined {
  return secs.reduce((least, sec) => (least === undefined || (sec !== undefined && sec < least) ? sec : least), undefined);
}
