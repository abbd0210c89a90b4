import { sleep } from "@asynqjs/core";
import type { Inspector, QueueInfo } from "@asynqjs/core/inspector";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodeOf, exitCodes, lineOf } from "../exit-codes.ts";
import { roundedDuration } from "../format/duration.ts";
import { byteCount, errorRate } from "../format/number.ts";
import { table } from "../format/table.ts";
import { addExamples } from "../help.ts";
import { durationFrom } from "./read-flag.ts";

interface Flags {
  readonly watch?: true;
  readonly interval: number;
}

/** Ours: how queues stand, one a line; with `--watch` again and again. */
export function addQueueStats(queue: Command, context: CliContext): void {
  const stats = queue
    .command("stats [queue...]")
    .description("show how queues stand, one a line; all of them if none is named")
    .option("-w, --watch", "show it again and again, until it is told to stop")
    .addOption(new Option("--interval <duration>", "how often with --watch").argParser(durationFrom("100ms")).default(2, "2s"))
    .action(async (named: readonly string[], { watch, interval }: Flags) => {
      const queues = await thereOf(context, named);
      if (named.length > 0 && queues.length === 0) return;
      await (watch ? watchQueues(context, queues, interval * 1000) : showQueues(context, queues));
    });
  addExamples(stats, "asynqjs queue stats", "asynqjs queue stats myqueue --watch", "asynqjs queue stats --watch --interval=500ms");
}

/** Those that there are; of each other one it is said that there is none: it would be shown as one that is empty. */
async function thereOf(context: CliContext, named: readonly string[]): Promise<readonly string[]> {
  if (named.length === 0) return named;
  const [{ QueueNotFoundError }, inspector] = await Promise.all([import("@asynqjs/core"), context.inspector()]);
  const there = new Set(await inspector.queues());
  for (const name of named) if (!there.has(name)) context.complain(new QueueNotFoundError(name));
  return named.filter((name) => there.has(name));
}

async function showQueues(context: CliContext, queues: readonly string[]): Promise<void> {
  const inspector = await context.inspector();
  const infos = await readInfos(context, inspector, queues);
  if (context.json) context.printJson(infos);
  else context.show(infos.length === 0 ? "No queues\n" : tableOf(infos));
}

/** A Redis that is away for a while is said and waited for. */
async function watchQueues(context: CliContext, queues: readonly string[], everyMs: number): Promise<void> {
  const signal = context.untilStopped();
  const inspector = await context.inspector();
  while (!signal.aborted) {
    try {
      const infos = await readInfos(context, inspector, queues, signal);
      const at = new Date(context.clock.nowMs()).toISOString();
      if (context.json) context.printJson({ at, queues: infos });
      else if (context.stdout.isTTY) {
        context.stdout.write("\x1b[H\x1b[2J");
        context.show(`${at}\n\n${tableOf(infos)}`);
      } else context.show(`${at}\n${tableOf(infos)}\n`);
    } catch (error) {
      if (signal.aborted) return;
      if (exitCodeOf(error) !== exitCodes.unreachable) throw error;
      context.warn("Redis does not answer; trying again");
    }
    await sleep(context.clock, everyMs, signal);
  }
}

/** Of a queue that cannot be read it is said why; the others are shown. */
async function readInfos(context: CliContext, inspector: Inspector, queues: readonly string[], signal?: AbortSignal): Promise<QueueInfo[]> {
  const [{ readQueueInfos }, { quoteAsGo }] = await Promise.all([import("@asynqjs/core/inspector"), import("@asynqjs/core/cron")]);
  const names = queues.length > 0 ? queues : await inspector.queues({ signal });
  const outcomes = await readQueueInfos(inspector.broker, names, { signal });
  return outcomes.flatMap(({ value, error }, nth) => {
    if (error === undefined) return [value];
    context.complain(new CliError(exitCodeOf(error), `queue ${quoteAsGo(names[nth]!)}: ${lineOf(error)}`, error));
    return [];
  });
}

function tableOf(infos: readonly QueueInfo[]): string {
  const rows = infos.map((info) => [
    info.queue,
    info.paused ? "PAUSED" : "RUN",
    info.size,
    info.pending,
    info.active,
    info.aggregating,
    info.scheduled,
    info.retry,
    info.archived,
    info.completed,
    roundedDuration(info.latencyMs),
    info.memoryUsageBytes === undefined ? "-" : byteCount(info.memoryUsageBytes),
    info.processed,
    info.failed,
    errorRate(info.processed, info.failed),
  ]);
  return table(
    [
      ...["Queue", "State", "Size", "Pending", "Active", "Aggregating", "Scheduled", "Retry", "Archived", "Completed"],
      ...["Latency", "Memory", "Processed", "Failed", "Error Rate"],
    ],
    rows,
  );
}
