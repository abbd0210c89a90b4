import { sleep } from "@asynqjs/core";
import type { TickName } from "@asynqjs/cron-fn";
import { Argument, type Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { durationFrom, durationSec, wholeNumber } from "./read-flag.ts";

/** Those that need nothing of yours: what aggregates is a function. */
const names: readonly TickName[] = ["schedule", "forward", "recover", "janitor", "repair"];

interface Flags {
  readonly queue?: readonly string[];
  readonly every?: number;
  readonly budget: number;
  readonly archive_max_age?: number;
  readonly archive_max_size?: number;
  readonly completed_max_size?: number;
}

/** Ours: what `asynqjs-cron` of @asynqjs/cron-fn does, over any connection. */
export function addTick(program: Command, context: CliContext): void {
  const tick = program
    .command("tick")
    .summary("run the maintenance that is due, once or every so often")
    .description(
      [
        "Runs Asynq's maintenance and prints a report as JSON, one line a run: once, for a crontab, a systemd timer or a Kubernetes CronJob,",
        "or every so often until it is told to stop. Runs what is due, or the ticks named.",
      ].join("\n"),
    )
    .addArgument(new Argument("[tick...]", `which: ${names.join(", ")}`).choices(names))
    .option("-q, --queue <name>", "serve this queue only; may be repeated (default is all queues)", collect)
    .option("--every <duration>", "run every so often, such as 10s", durationFrom("1ms"))
    .option("--budget <duration>", "how long a run may take on more", durationFrom("0s"), 50)
    .option(
      "--archive_max_age <duration>",
      "how long an archived task is kept, as your servers have it set (default is 2160h)",
      durationSec,
    )
    .option("--archive_max_size <number>", "up to how many archived tasks of a queue are kept (default is 10000)", wholeNumber(0))
    .option("--completed_max_size <number>", "up to how many completed tasks of a queue are kept (default is any number)", wholeNumber(0))
    .action((ticks: readonly TickName[], flags: Flags) => runTick(context, ticks, flags));
  addExamples(tick, "asynqjs tick", "asynqjs tick recover forward", "asynqjs tick --every=10s");
}

function collect(name: string, named: readonly string[] = []): readonly string[] {
  return [...named, name];
}

async function runTick(context: CliContext, ticks: readonly TickName[], flags: Flags): Promise<void> {
  const [{ checkLimits, correctedClock, makeBroker }, { runTicks, tellFailures, tellReport }] = await Promise.all([
    import("@asynqjs/core"),
    import("@asynqjs/cron-fn"),
  ]);
  const limits = checkLimits({
    archiveMaxAgeSec: flags.archive_max_age,
    archiveMaxSize: flags.archive_max_size,
    completedMaxSize: flags.completed_max_size,
  });
  const redis = await context.connect();
  const signal = context.untilStopped();
  const broker = makeBroker({ redis, clock: correctedClock(context.clock), random: context.random, limits });
  const options = { ticks: ticks.length === 0 ? undefined : ticks, queues: flags.queue, budgetMs: flags.budget * 1000 };
  const lastSecs = new Map<TickName, number>();
  const once = async (): Promise<void> => {
    const report = await runTicks(broker, { ...options, lastSecs, signal });
    context.print(tellReport(report));
    if (report.failed.length === 0) return;
    context.warn(`asynqjs: ${tellFailures(report.failed)}`);
    if (flags.every === undefined) context.endWith(exitCodes.failed);
  };
  if (flags.every === undefined) return once();
  const startMs = context.clock.monotonicMs();
  const everyMs = flags.every * 1000;
  while (!signal.aborted) {
    // What goes wrong is said, and tried again the next time.
    await once().catch((error: Error) => context.warn(`asynqjs: ${error.message}`));
    const passedMs = context.clock.monotonicMs() - startMs;
    await sleep(context.clock, everyMs - (passedMs % everyMs), signal);
  }
}
