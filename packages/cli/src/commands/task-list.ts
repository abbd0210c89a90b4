import { quoteAsGo } from "@asynqjs/core/cron";
import type { ListOptions, StoredTask, TaskPage } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { printableText } from "../format/bytes.ts";
import { type Cell, table } from "../format/table.ts";
import { addExamples } from "../help.ts";
import { wholeNumber } from "./read-flag.ts";
import { taskJson } from "./task-json.ts";
import { pastTime, processIn } from "./task-times.ts";

interface Flags {
  readonly queue: string;
  readonly state: string;
  readonly group?: string;
  readonly page: number;
  readonly size: number;
}

type Inspector = Awaited<ReturnType<CliContext["inspector"]>>;

interface State {
  list(inspector: Inspector, queue: string, options: ListOptions, group: string): Promise<TaskPage>;
  /** Beside its id, type and payload. */
  readonly columns: readonly (readonly [header: string, cell: (task: StoredTask, nowMs: number) => Cell])[];
}

const states: Readonly<Record<string, State>> = {
  active: { list: (inspector, queue, options) => inspector.listActiveTasks(queue, options), columns: [] },
  pending: { list: (inspector, queue, options) => inspector.listPendingTasks(queue, options), columns: [] },
  aggregating: {
    list: (inspector, queue, options, group) => inspector.listAggregatingTasks(queue, group, options),
    columns: [["Group", ({ group }) => group ?? ""]],
  },
  scheduled: {
    list: (inspector, queue, options) => inspector.listScheduledTasks(queue, options),
    columns: [["Process In", ({ nextProcessAt }, nowMs) => processIn(nextProcessAt, nowMs)]],
  },
  retry: {
    list: (inspector, queue, options) => inspector.listRetryTasks(queue, options),
    columns: [
      ["Next Retry", ({ nextProcessAt }, nowMs) => processIn(nextProcessAt, nowMs)],
      ["Last Error", ({ lastErr }) => lastErr ?? ""],
      ["Last Failed", ({ lastFailedAt }) => pastTime(lastFailedAt)],
      ["Retried", ({ retried }) => retried],
      ["Max Retry", ({ maxRetry }) => maxRetry],
    ],
  },
  archived: {
    list: (inspector, queue, options) => inspector.listArchivedTasks(queue, options),
    columns: [
      ["Last Failed", ({ lastFailedAt }) => pastTime(lastFailedAt)],
      ["Last Error", ({ lastErr }) => lastErr ?? ""],
    ],
  },
  completed: {
    list: (inspector, queue, options) => inspector.listCompletedTasks(queue, options),
    columns: [
      ["CompletedAt", ({ completedAt }) => pastTime(completedAt)],
      ["Result", ({ result }) => printableText(result)],
    ],
  },
};

/** @see Asynq tools/asynq/cmd/task.go, `taskList` */
export function addTaskList(task: Command, context: CliContext): void {
  const list = task
    .command("list")
    .alias("ls")
    .description("list tasks")
    .requiredOption("-q, --queue <name>", "queue to inspect (required)")
    .requiredOption("-s, --state <state>", `state of the tasks; one of { ${Object.keys(states).join(" | ")} } (required)`)
    .option("-g, --group <name>", "group to inspect (required for listing aggregating tasks)")
    .option("--page <number>", "page number", wholeNumber(1), 1)
    .option("--size <number>", "page size", wholeNumber(1, 1000), 30)
    .action(listTasks);
  addExamples(
    list,
    "asynqjs task list --queue=myqueue --state=pending",
    "asynqjs task list --queue=myqueue --state=aggregating --group=mygroup",
    "asynqjs task list --queue=myqueue --state=scheduled --page=2",
  );

  async function listTasks({ queue, state, group = "", page, size }: Flags): Promise<void> {
    const known = Object.hasOwn(states, state) ? states[state] : undefined;
    if (known === undefined) throw new CliError(exitCodes.usage, `state=${quoteAsGo(state)} is not supported`);
    if (state === "aggregating" && group === "")
      throw new CliError(exitCodes.usage, "flag --group is required for listing aggregating tasks");
    const inspector = await context.inspector();
    const { tasks, unreadable } = await known.list(inspector, queue, { page, pageSize: size }, group);
    if (context.json) return context.printJson({ tasks: tasks.map(taskJson), unreadable });

    const nowMs = context.clock.nowMs();
    if (tasks.length > 0) {
      const headers = ["ID", "Type", "Payload", ...known.columns.map(([header]) => header)];
      const rows = tasks.map((task) => [
        task.id,
        task.type,
        printableText(task.payload),
        ...known.columns.map(([, cell]) => cell(task, nowMs)),
      ]);
      context.show(table(headers, rows));
    } else if (state === "aggregating") context.print(`No aggregating tasks in group ${quoteAsGo(group)} `);
    else context.print(`No ${state} tasks in ${quoteAsGo(queue)} queue`);
    for (const { id, why } of unreadable) context.warn(`task ${quoteAsGo(id)} cannot be shown: ${why}`);
  }
}
