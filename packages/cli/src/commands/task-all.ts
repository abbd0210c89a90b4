import { quoteAsGo } from "@asynqjs/core/cron";
import type { AllOptions, AllReport, FoundReport, TaskPlace } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { asksFirst } from "../global-flags.ts";
import { addExamples } from "../help.ts";
import { type FilterFlags, filterOf, takesFilter } from "./task-flags.ts";
import { tellFound } from "./tell-found.ts";

interface Flags extends FilterFlags {
  readonly queue: string;
  readonly state: string;
  readonly group?: string;
  readonly dryRun?: boolean;
}

type Inspector = Awaited<ReturnType<CliContext["inspector"]>>;
type State = "pending" | "aggregating" | "scheduled" | "retry" | "archived" | "completed";

interface All {
  readonly verb: "archive" | "delete" | "run";
  /** After a number. */
  readonly done: string;
  readonly wouldBe: string;
  /** Whether something is lost by it, so that it asks first. */
  readonly loses: boolean;
  readonly states: Readonly<
    Partial<Record<State, (inspector: Inspector, queue: string, group: string, options: AllOptions) => Promise<AllReport>>>
  >;
}

const alls: readonly All[] = [
  {
    verb: "archive",
    done: "tasks archived",
    wouldBe: "tasks would be archived",
    loses: true,
    states: {
      pending: (inspector, queue, _, options) => inspector.archiveAllPendingTasks(queue, options),
      aggregating: (inspector, queue, group, options) => inspector.archiveAllAggregatingTasks(queue, group, options),
      scheduled: (inspector, queue, _, options) => inspector.archiveAllScheduledTasks(queue, options),
      retry: (inspector, queue, _, options) => inspector.archiveAllRetryTasks(queue, options),
    },
  },
  {
    verb: "delete",
    done: "tasks deleted",
    wouldBe: "tasks would be deleted",
    loses: true,
    states: {
      pending: (inspector, queue, _, options) => inspector.deleteAllPendingTasks(queue, options),
      aggregating: (inspector, queue, group, options) => inspector.deleteAllAggregatingTasks(queue, group, options),
      scheduled: (inspector, queue, _, options) => inspector.deleteAllScheduledTasks(queue, options),
      retry: (inspector, queue, _, options) => inspector.deleteAllRetryTasks(queue, options),
      archived: (inspector, queue, _, options) => inspector.deleteAllArchivedTasks(queue, options),
      completed: (inspector, queue, _, options) => inspector.deleteAllCompletedTasks(queue, options),
    },
  },
  {
    verb: "run",
    done: "tasks are now pending",
    wouldBe: "tasks would be pending",
    loses: false,
    states: {
      aggregating: (inspector, queue, group, options) => inspector.runAllAggregatingTasks(queue, group, options),
      scheduled: (inspector, queue, _, options) => inspector.runAllScheduledTasks(queue, options),
      retry: (inspector, queue, _, options) => inspector.runAllRetryTasks(queue, options),
      archived: (inspector, queue, _, options) => inspector.runAllArchivedTasks(queue, options),
    },
  },
];

/** `archiveall`, `deleteall` and `runall`: all tasks of a state, or those that match. @see Asynq tools/asynq/cmd/task.go, `taskArchiveAll` */
export function addTaskAll(task: Command, context: CliContext): void {
  for (const all of alls) {
    const { verb, states, loses } = all;
    const command = takesFilter(
      task
        .command(`${verb}all`)
        .description(`${verb} all tasks in the given state`)
        .requiredOption("-q, --queue <name>", "queue to which the tasks belong (required)")
        .requiredOption("-s, --state <state>", `state of the tasks; one of { ${Object.keys(states).join(" | ")} } (required)`)
        .option("-g, --group <name>", "group to which the tasks belong (required for aggregating tasks)"),
    )
      .option("--dry-run", "only say how many tasks it would be")
      .action((flags: Flags) => actOnAll(all, flags));
    if (loses) asksFirst(command);
    addExamples(
      command,
      `asynqjs task ${verb}all --queue=myqueue --state=retry`,
      `asynqjs task ${verb}all --queue=myqueue --state=aggregating --group=mygroup`,
      `asynqjs task ${verb}all --queue=myqueue --state=retry --error=timeout --dry-run`,
    );
  }

  async function actOnAll({ verb, done, wouldBe, loses, states }: All, flags: Flags): Promise<void> {
    const { queue, state, group = "", dryRun = false } = flags;
    const act = Object.hasOwn(states, state) ? states[state as State] : undefined;
    if (act === undefined) throw new CliError(exitCodes.usage, `unsupported state ${quoteAsGo(state)}`);
    if (state === "aggregating" && group === "") throw new CliError(exitCodes.usage, "flag --group is required for aggregating tasks");
    const place: TaskPlace = state === "aggregating" ? { state, group } : { state: state as State };
    const filter = filterOf(flags);
    const inspector = await context.inspector();
    const stands = filter === undefined && (dryRun || loses) ? await countOf(inspector, queue, place) : undefined;
    if (dryRun && stands !== undefined)
      return context.json ? context.printJson({ matched: stands }) : context.print(`${stands} ${wouldBe}`);
    if (loses && !dryRun && stands !== 0) await context.confirm(questionOf(verb, queue, place, stands));

    const progress = context.progress(`${verb}all`);
    const signal = context.untilStopped();
    let said: AllReport | FoundReport;
    try {
      said =
        filter === undefined
          ? await act(inspector, queue, group, { signal, onProgress: (report) => progress.update(report.done + report.dropped, report.of) })
          : await inspector.actOnTasks(
              queue,
              verb,
              { ...filter, states: [place.state], group: place.group },
              {
                dryRun,
                signal,
                onProgress: ({ looked }) => progress.update(looked),
              },
            );
    } finally {
      progress.end();
    }
    if (context.json) context.printJson(said);
    else context.print(dryRun && "matched" in said ? `${said.matched} ${wouldBe}` : `${said.done} ${done}`);
    tellFound(context, said);
  }
}

/** `stands`: how many stand there; of those that match nobody knows how many they are. */
function questionOf(verb: string, queue: string, { state, group }: TaskPlace, stands: number | undefined): string {
  const does = verb.slice(0, 1).toUpperCase() + verb.slice(1);
  const of = `of queue ${quoteAsGo(queue)}${group === undefined ? "" : `, group ${quoteAsGo(group)}`}`;
  return stands === undefined ? `${does} the ${state} tasks ${of} that match?` : `${does} all ${stands} ${state} tasks ${of}?`;
}

/** How many tasks stand there. @throws {QueueNotFoundError} @throws {RedisError} */
async function countOf(inspector: Inspector, queue: string, { state, group }: TaskPlace): Promise<number> {
  const info = await inspector.getQueueInfo(queue);
  if (state !== "aggregating") return info[state as Exclude<State, "aggregating">];
  return (await inspector.groups(queue)).find((found) => found.group === group)?.size ?? 0;
}
