import { taskKey } from "@asynqjs/core";
import { checkResults } from "./check-results.ts";
import { type QueueCounts, total, waiting } from "./count-tasks.ts";
import { type Answers, evening, sendRequests } from "./customers.ts";
import { outcomeTable, whereItIs } from "./draw/closing.ts";
import { progress } from "./draw/progress.ts";
import type { Screen } from "./draw/screen.ts";
import { killWhileBusy, takeBackLost } from "./lose-worker.ts";
import type { Shop } from "./open-shop.ts";
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

/** Sends the evening's requests, watches the work until it is done, and answers what became of it and what is not as it should be. */
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
  const enqueuedIn = (queue: string): number => answers.accepted.filter((task) => task.queue === queue).length;
  const watch = (enough: (counts: readonly QueueCounts[]) => boolean): Promise<readonly QueueCounts[]> =>
    waitForQueues(shop.redis, names, {
      enough: (counts) => enough(counts) || shop.worker.isGone,
      look: (counts) => screen.redraw(["", ...progress(counts, enqueuedIn, paint)]),
      signal,
    });

  let recovered: number | undefined;
  if (killWorker || breakWorker) {
    const left = await killWhileBusy(shop.worker, shop.redis, names, signal);
    screen.say(paint("yellow", `! worker killed while it held ${left} ${left === 1 ? "task" : "tasks"}`));
    if (killWorker) {
      await shop.startWorker();
      await watch((counts) => total(counts, waiting) === left && total(counts, ({ active }) => active) === left);
      if (!signal.aborted) recovered = await takeBackLost(shop.redis, names);
      screen.say(paint("yellow", `! ${recovered ?? 0} of them taken back on a clock a minute ahead, no retry charged`));
    }
  }
  const counts = await watch((now) => total(now, waiting) === 0);
  const durationMs = Math.round(performance.now() - startMs);
  screen.leaveBlock();

  const problems = await checkResults(shop.redis, answers.accepted, outDir);
  if (shop.worker.isGone) problems.unshift(`the Node worker ${await shop.worker.gone} and is not there to finish`);
  const { accepted, duplicates } = answers;
  for (const line of ["", ...outcomeTable(counts, answers), "", ...whereItIs(outDir, await aResult(shop, answers), paint)])
    screen.say(line);
  const told = { enqueued: accepted.length, duplicates: duplicates.length, durationMs };
  return { summary: summarize(counts, recovered === undefined ? told : { ...told, recovered }), problems };
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
