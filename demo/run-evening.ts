import { taskKey } from "@asynqjs/core";
import { checkReports, checkResults } from "./check-results.ts";
import { type QueueCounts, total, waiting } from "./count-tasks.ts";
import { noWork, whatIsMissing } from "./cron-work.ts";
import { type Answers, evening, sendRequests } from "./customers.ts";
import { clockLine } from "./draw/clock-lines.ts";
import { outcomeTable, whereItIs } from "./draw/closing.ts";
import { progress } from "./draw/progress.ts";
import type { Screen } from "./draw/screen.ts";
import { killWhileBusy } from "./lose-worker.ts";
import type { Shop } from "./open-shop.ts";
import { removeReportEntry } from "./report-entry.ts";
import { queues } from "./shop.ts";
import { type Summary, summarize } from "./summarize.ts";
import { waitForQueues } from "./wait-for-queues.ts";

export interface EveningOptions {
  readonly outDir: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly killWorker: boolean;
  readonly breakWorker: boolean;
}

/**
 * Sends the evening's requests, kills the Node worker at its work, watches until all is done and the cron Worker has told of it, and answers what
 * became of it and what is not as it should be. The cron entry is removed at the end.
 */
export async function runEvening(
  shop: Shop,
  { outDir, screen, signal, killWorker, breakWorker }: EveningOptions,
): Promise<{ readonly summary: Summary; readonly problems: string[] }> {
  const names = Object.keys(queues);
  const { paint } = screen;
  const startMs = performance.now();

  screen.say("");
  const answers = await sendRequests(shop.url, evening, { signal, answered: (line) => screen.say(paint("dim", screen.fit(line))) });
  screen.say("");
  const { accepted, duplicates } = answers;
  const enqueuedIn = (queue: string): number => accepted.filter((task) => task.queue === queue).length;
  const reviews = accepted.filter(({ expected }) => expected.ends === "digest").length;
  // Reports, reviews and digests have a queue of their own.
  const workIn = (queue: string) => (queue === "shop-desk" ? shop.cronWork : noWork);
  const toBeDone = (queue: string): number => {
    const { fired, aggregated, digests } = workIn(queue);
    return enqueuedIn(queue) + fired - aggregated + digests;
  };
  const watch = (enough: (counts: readonly QueueCounts[]) => boolean): Promise<readonly QueueCounts[]> =>
    waitForQueues(shop.redis, names, {
      enough: (counts) => enough(counts) || shop.worker.isGone,
      look: (counts) => screen.redraw(["", clockLine(shop.clock.nowMs(), shop.cronWork, paint), ...progress(counts, toBeDone, paint)]),
      signal,
    });

  // Each evening loses a worker, and another one is started as systemd or Kubernetes would.
  const lost = new Set<string>();
  for (let toCome = killWorker ? 2 : 1; toCome > 0 && !signal.aborted; toCome--) {
    const held = await killWhileBusy(shop.worker, shop.redis, names, { lost, signal });
    screen.say(paint("yellow", `! Node worker killed (SIGKILL) while it held ${held} ${held === 1 ? "task" : "tasks"}`));
    if (toCome > 1 || !breakWorker) await shop.startWorker();
  }

  const missing = (): string[] => whatIsMissing(shop.cronWork, { lost: lost.size, reviews });
  await watch((now) => total(now, waiting) === 0 && missing().length === 0);
  await removeReportEntry(shop.broker);
  // The run that is under way may have fired it once more, and tells what it did when it ends.
  const { rung } = shop.cronWork;
  const counts = await watch((now) => total(now, waiting) === 0 && shop.cronWork.reports >= rung);
  const durationMs = Math.round(performance.now() - startMs);
  screen.leaveBlock();

  const problems = [
    ...(shop.worker.isGone ? [`the Node worker ${await shop.worker.gone} and is not there to finish`] : []),
    ...missing(),
    ...(await checkReports(shop.broker, shop.cronWork.fired, outDir)),
    ...(await checkResults(shop.redis, accepted, outDir)),
  ];
  const table = outcomeTable(counts, enqueuedIn, workIn);
  for (const line of ["", ...table, "", ...whereItIs(outDir, await aResult(shop, answers), paint)]) screen.say(line);
  const told = { enqueued: accepted.length, duplicates: duplicates.length, durationMs };
  return { summary: summarize(counts, shop.cronWork, told), problems };
}

/** What one task left in Redis, and where. */
async function aResult({ redis }: Shop, { accepted }: Answers): Promise<{ key: string; value: string } | undefined> {
  for (const { queue, id } of accepted) {
    const key = taskKey(queue, id);
    const value = await redis.hget(key, "result");
    if (value !== null) return { key, value };
  }
  return undefined;
}
