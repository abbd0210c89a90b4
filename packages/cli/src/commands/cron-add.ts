import type { CatchUp, Overlap } from "@asynqjs/core/cron";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes, lineOf } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { durationSec, rfc3339, wholeNumber } from "./read-flag.ts";

interface Flags {
  readonly spec: string;
  readonly type_name: string;
  readonly payload?: string;
  readonly queue?: string;
  readonly zone?: string;
  readonly retry?: number;
  readonly timeout?: number;
  readonly deadline?: Date;
  readonly unique?: number;
  readonly process_in?: number;
  readonly retention?: number;
  readonly group?: string;
  readonly catch_up?: CatchUp;
  readonly window?: number;
  readonly overlap?: Overlap;
  readonly jitter?: number;
  readonly owner?: string;
  readonly paused?: true;
}

/** Ours: stores an entry in Redis, which the `schedule` tick or any scheduler fires. */
export function addCronAdd(cron: Command, context: CliContext): void {
  const add = cron
    .command("add <entry_id>")
    .description("store a cron entry in Redis, for any number of schedulers to fire")
    .requiredOption("--spec <spec>", 'when: five or six fields as in "0 3 * * *", or "@daily", "@every 1h30m" (required)')
    .requiredOption("-t, --type_name <type>", "type name of its tasks (required)")
    .option("-l, --payload <payload>", "payload of its tasks")
    .option("--queue <name>", "queue of its tasks (default is default)")
    .option("--zone <name>", "IANA name of the time zone that the spec is read in (default is UTC)")
    .option("--retry <number>", "maximum retries", wholeNumber(0))
    .option("--timeout <duration>", "how long a run may take", durationSec)
    .option("--deadline <time>", "when its tasks must have been processed, as RFC 3339", rfc3339)
    .option("--unique <duration>", "how long no other task of the same type, payload and queue is enqueued", durationSec)
    .option("--process_in <duration>", "how long after its slot a task is processed", durationSec)
    .option("--retention <duration>", "how long a completed task is kept", durationSec)
    .option("--group <name>", "group of its tasks")
    .addOption(
      new Option("--catch_up <which>", "what becomes of slots nobody was there for (default is one)").choices(["skip", "one", "all"]),
    )
    .option("--window <duration>", "how old a missed slot may be to be caught up (default is 24h)", durationSec)
    .addOption(
      new Option("--overlap <what>", "whether a slot is fired while the task of an earlier one is not over (default is allow)").choices([
        "allow",
        "skip",
      ]),
    )
    .option("--jitter <duration>", "by how much a task may be later than its slot (default is 0s)", durationSec)
    .option("--owner <name>", "whose deploy reconciles the entry")
    .option("--paused", "store it paused")
    .action((id: string, flags: Flags) => addEntry(context, id, flags));
  addExamples(
    add,
    'asynqjs cron add nightly --spec="0 3 * * *" --zone=Europe/Berlin --type_name=report:build',
    `asynqjs cron add poll --spec="@every 30s" --type_name=feed:poll --payload='{"feed":7}' --overlap=skip`,
  );
}

async function addEntry(context: CliContext, id: string, flags: Flags): Promise<void> {
  const { spec, payload, queue, zone, window, overlap, jitter, owner, paused, group, retry, timeout, deadline, unique, retention } = flags;
  const given = {
    ...{ id, spec, timeZone: zone, type: flags.type_name, queue, catchUp: flags.catch_up, windowSec: window, overlap, jitterSec: jitter },
    ...{ owner, paused, payload: payload === undefined ? undefined : new TextEncoder().encode(payload) },
    options: {
      ...{ maxRetry: retry, timeoutSec: timeout, deadline, uniqueTtlSec: unique, processInSec: flags.process_in, retentionSec: retention },
      group,
    },
  };
  const { addCronEntry, checkCronEntry, quoteAsGo } = await import("@asynqjs/core/cron");
  // What is said wrongly is said so before anybody is connected to.
  await couldNot(
    "add cron entry",
    named(spec, () => checkCronEntry(given)),
  );
  const { broker } = await context.inspector();
  const entry = await couldNot("add cron entry", addCronEntry(broker, given));
  if (context.json) context.printJson({ id: entry.id, spec: entry.spec, queue: entry.queue, version: entry.version, paused: entry.paused });
  else context.print(`Added cron entry ${quoteAsGo(entry.id)}, which enqueues to queue ${quoteAsGo(entry.queue)}`);
}

/** Of a spec that cannot be read it is said which. */
async function named(spec: string, check: () => unknown): Promise<void> {
  try {
    check();
  } catch (error) {
    if (Object(error).code !== "CRON_SPEC") throw error;
    throw new CliError(exitCodes.usage, `--spec ${JSON.stringify(spec)}: ${lineOf(error)}`, error);
  }
}
