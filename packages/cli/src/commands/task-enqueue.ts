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
    const { broker } = await context.inspector();
    const made = await couldNot("enqueue task", enqueueOne(broker, flags));
    if (context.json) context.printJson(made);
    else context.print(`Enqueued task ${made.id} to queue ${made.queue}`);
  }
}

type Broker = Awaited<ReturnType<CliContext["inspector"]>>["broker"];

async function enqueueOne(broker: Broker, flags: Flags): Promise<{ readonly id: string; readonly queue: string }> {
  const core = await import("@asynqjs/core");
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
  const made = core.composeTask(task, {}, broker);
  const { queue, id, type } = made.message;
  const [result] = await core.enqueue(broker, [made]);
  switch (result!.verdict) {
    case "enqueued": {
      const { payload, ...info } = core.describeTask(made, broker.clock.nowMs());
      return { ...info, ...{ payload: bytesJson(payload) } };
    }
    case "task-id-conflict":
      throw new core.TaskIdConflictError(queue, id);
    case "duplicate-task":
      throw new core.DuplicateTaskError(queue, type);
    case undefined:
      throw result!.error;
    default:
      throw new CliError(exitCodes.failed, `unexpected verdict ${String(result satisfies never)}`);
  }
}
