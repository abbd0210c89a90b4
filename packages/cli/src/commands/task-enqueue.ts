import type { Broker, NewTask, TaskInfo } from "@asynqjs/core";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { durationSec, rfc3339, wholeNumber } from "./read-flag.ts";
import { bytesJson } from "./task-json.ts";

interface Flags {
  readonly type_name: string;
  readonly payload: string;
  readonly retry?: number;
  readonly queue?: string;
  readonly id?: string;
  readonly timeout?: number;
  readonly deadline?: Date;
  readonly unique?: number;
  readonly process_at?: Date;
  readonly process_in?: number;
  readonly retention?: number;
  readonly group?: string;
}

/** @see Asynq tools/asynq/cmd/task.go, `taskEnqueue` */
export function addTaskEnqueue(task: Command, context: CliContext): void {
  const enqueue = task
    .command("enqueue")
    .description("enqueue a task")
    .requiredOption("-t, --type_name <name>", "type name to enqueue the task as (required)")
    .requiredOption("-l, --payload <text>", "payload to enqueue (required)")
    .option("--retry <number>", "maximum retries", wholeNumber(-(2 ** 31), 2 ** 31 - 1))
    .option("--queue <name>", "queue to enqueue the task to")
    .option("--id <id>", "id to enqueue the task as")
    .option("--timeout <duration>", "timeout for the task (how long it can run), such as 90s", durationSec)
    .option("--deadline <time>", "deadline for the task, in RFC3339 format", rfc3339)
    .option("--unique <duration>", "unique period for the task (within which no second one is taken)", durationSec)
    .option("--process_at <time>", "process at time for the task, in RFC3339 format", rfc3339)
    .option("--process_in <duration>", "process in window for the task; wins over --process_at", durationSec)
    .option("--retention <duration>", "retention window for the task", durationSec)
    .option("--group <name>", "group for the task")
    .action(enqueueTask);
  addExamples(
    enqueue,
    "asynqjs task enqueue -t footype -l barpayload",
    "asynqjs task enqueue -t footask -l barpayload --retry 3 --id f1720682-f5a6-4db1-8953-4f48ae541d0f --queue bazqueue --timeout 100s --deadline 2024-12-14T01:23:45Z --unique 100s --process_at 2024-12-14T01:22:05Z --process_in 100s --retention 5h --group baygroup",
  );

  async function enqueueTask(flags: Flags): Promise<void> {
    const core = await import("@asynqjs/core");
    const made = await couldNot("enqueue task", makeTask(core, context, flags));
    const { broker } = await context.inspector();
    const info = await couldNot("enqueue task", enqueueOne(core, broker, made));
    if (context.json) context.printJson({ ...info, payload: bytesJson(info.payload) });
    else context.print(`Enqueued task ${info.id} to queue ${info.queue}`);
  }
}

/** What each option of core is called here. */
const flagOf: Readonly<Record<string, string>> = {
  type: "--type_name",
  maxRetry: "--retry",
  taskId: "--id",
  timeoutSec: "--timeout",
  uniqueTtlSec: "--unique",
  processAt: "--process_at",
  processInSec: "--process_in",
  retentionSec: "--retention",
};

type Core = typeof import("@asynqjs/core");

/** @throws {TaskIdConflictError} @throws {DuplicateTaskError} @throws {RedisError} */
async function enqueueOne(core: Core, broker: Broker, made: NewTask): Promise<TaskInfo> {
  const { queue, id, type } = made.message;
  const [result] = await core.enqueue(broker, [made]);
  const { verdict } = result!;
  switch (verdict) {
    case "enqueued":
      return core.describeTask(made, broker.clock.nowMs());
    case "task-id-conflict":
      throw new core.TaskIdConflictError(queue, id);
    case "duplicate-task":
      throw new core.DuplicateTaskError(queue, type);
    case undefined:
      throw result!.error;
    default:
      return verdict satisfies never;
  }
}

/** @throws {CliError} an option that cannot be used, by the name of its flag */
async function makeTask(core: Core, { clock, random }: CliContext, flags: Flags): Promise<NewTask> {
  try {
    const task = new core.Task(flags.type_name, flags.payload, {
      maxRetry: flags.retry,
      queue: flags.queue,
      taskId: flags.id,
      timeoutSec: flags.timeout,
      deadline: flags.deadline,
      uniqueTtlSec: flags.unique,
      // Asynq's command appends the latter last, so it wins.
      ...(flags.process_in === undefined ? { processAt: flags.process_at } : { processInSec: flags.process_in }),
      retentionSec: flags.retention,
      group: flags.group,
    });
    return core.composeTask(task, {}, { clock, random });
  } catch (error) {
    if (!(error instanceof core.InvalidOptionError)) throw error;
    const said = error.message.replace(`invalid ${error.option}:`, `${flagOf[error.option] ?? `--${error.option}`}:`);
    throw new CliError(exitCodes.usage, said, error);
  }
}
