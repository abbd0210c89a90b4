import path from "node:path";
import { type Broker, sleep } from "@asynqjs/core";
import { reconcileCronEntries } from "@asynqjs/core/cron";
import { runTicks, slotsBetween, type TickName, type TicksReport, tellFailures } from "@asynqjs/cron-fn";
import { lineOf } from "../exit-codes.ts";
import { untilAborted } from "../until-aborted.ts";
import type { Changes } from "./changes.ts";
import { type CronFileOptions, readCronFile } from "./read-cron-file.ts";
import type { Say } from "./say.ts";
import { tellReconciled } from "./tell-reconciled.ts";

export interface CronOptions extends CronFileOptions {
  readonly broker: Broker;
  /** Of the entries; without one those that are in Redis fire all the same. */
  readonly file: string | undefined;
  /** Whose entries the file's are. */
  readonly owner: string;
  readonly changes: Changes;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** How often it is looked what is due. */
const everyMs = 1_000;

/** Keeps the entries in Redis as the file has them, and runs what is due each second, until the signal. */
export async function runCron(options: CronOptions): Promise<void> {
  const { file } = options;
  await Promise.all([tick(options), ...(file === undefined ? [] : [follow(options, file)])]);
}

/** Brings in the entries of the file, at once and after each change. */
async function follow(options: CronOptions, file: string): Promise<void> {
  const { broker, owner, changes, say, signal } = options;
  const stopped = untilAborted(signal);
  const name = path.relative(options.cwd, file);
  let told = "";
  while (!signal.aborted) {
    changes.forget();
    try {
      const entries = await readCronFile(file, options);
      if (signal.aborted) return;
      const text = tellReconciled(name, await reconcileCronEntries(broker, owner, entries, { slotsBetween }));
      // The same once more is not worth a line, unless something else was said meanwhile.
      if (text !== told && (text.includes(";") || told === "" || told.startsWith("!"))) say("cron", text);
      told = text;
    } catch (error) {
      const text = `! ${lineOf(error)}`;
      if (text !== told && !signal.aborted) say.error("cron", `${lineOf(error)}; the entries stay as they are until a file changes`);
      told = text;
    }
    await Promise.race([changes.next(), stopped]);
  }
}

/** Runs the ticks; what goes wrong is said once, until it is something else. */
async function tick({ broker, say, signal }: CronOptions): Promise<void> {
  const lastSecs = new Map<TickName, number>();
  const { clock } = broker;
  let trouble = "";
  const tell = (text: string): void => {
    if (text !== trouble && text !== "" && !signal.aborted) say.error("cron", text);
    trouble = text;
  };
  const startMs = clock.monotonicMs();
  while (!signal.aborted) {
    try {
      const report = await runTicks(broker, { lastSecs, signal });
      for (const line of tellDone(report)) say("cron", line);
      tell(tellFailures(report.failed));
    } catch (error) {
      tell(lineOf(error));
    }
    await sleep(clock, everyMs - ((clock.monotonicMs() - startMs) % everyMs), signal);
  }
}

/** What was done, where something was. */
function tellDone({ schedule, forward, recover }: TicksReport): string[] {
  const counts: readonly (readonly [number | undefined, string])[] = [
    [schedule?.fired, "enqueued for cron entries"],
    [schedule?.overlapping, "not enqueued for a cron entry: the one before is not over"],
    [forward?.forwarded, "due: pending now"],
    [recover?.recovered, "taken back from lost workers"],
    [recover?.archived, "archived: they lost three workers, or may not be retried"],
  ];
  return counts.flatMap(([count = 0, what]) => (count > 0 ? [`${count} ${count === 1 ? "task" : "tasks"} ${what}`] : []));
}
