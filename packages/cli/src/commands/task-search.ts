import { quoteAsGo } from "@asynqjs/core/cron";
import type { StoredState, StoredTask, TaskFilter } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodeOf, exitCodes, lineOf } from "../exit-codes.ts";
import { printableText } from "../format/bytes.ts";
import { table } from "../format/table.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { wholeNumber } from "./read-flag.ts";
import { type FilterFlags, filterOf, takesFilter } from "./task-flags.ts";
import { taskJson } from "./task-json.ts";

interface Flags extends FilterFlags {
  readonly queue?: string;
  readonly id?: string;
  readonly state?: string;
  readonly group?: string;
  readonly limit: number;
  readonly maxLooked: number;
}

type Inspector = Awaited<ReturnType<CliContext["inspector"]>>;

interface Place {
  readonly queue: string;
  readonly states: readonly StoredState[] | undefined;
}

/** Most wanted first. */
const states: readonly StoredState[] = ["active", "retry", "archived", "pending", "scheduled", "aggregating", "completed", "js:quarantine"];

/** Looks for tasks in one queue or in all, for no more than it may cost over all of them. */
export function addTaskSearch(task: Command, context: CliContext): void {
  const search = takesFilter(
    task
      .command("search")
      .description("look for tasks by id, type, error or a field of the payload")
      .option("-q, --queue <name>", "queue to look in; all of them unless said")
      .option("-i, --id <text>", "only tasks whose id is this, or holds it")
      .option("-s, --state <state>", `only tasks in this state; one of { ${states.join(" | ")} }`)
      .option("-g, --group <name>", "of aggregating tasks only those of this group"),
  )
    .option("--limit <number>", "find at most so many", wholeNumber(1, 10_000), 100)
    .option("--max-looked <number>", "look at so many at most", wholeNumber(1), 10_000)
    .action(searchTasks);
  addExamples(
    search,
    "asynqjs task search --id=f1720682-f5a6-4db1-8953-4f48ae541d0f",
    "asynqjs task search --queue=myqueue --state=archived --error=timeout",
    "asynqjs task search --type=email:* --where=user.id=7",
  );

  async function searchTasks(flags: Flags): Promise<void> {
    const { id, state, group, limit, maxLooked } = flags;
    if (state !== undefined && !states.includes(state as StoredState))
      throw new CliError(exitCodes.usage, `--state: expected one of ${states.join(", ")}`);
    const filter: TaskFilter = { ...filterOf(flags), id, group, states: state === undefined ? undefined : [state as StoredState] };
    const inspector = await context.inspector();
    const places = flags.queue === undefined ? await placesOf(inspector, filter.states) : [{ queue: flags.queue, states: filter.states }];

    const tasks: StoredTask[] = [];
    let [looked, unreadable, incomplete] = [0, 0, false];
    const progress = context.progress("search");
    try {
      for (const { queue, states } of places) {
        const room = { limit: limit - tasks.length, maxLooked: maxLooked - looked };
        if (room.limit <= 0 || room.maxLooked <= 0) {
          incomplete = true;
          break;
        }
        const found = await couldNot("search tasks", inspector.searchTasks(queue, { ...filter, states }, room));
        tasks.push(...found.tasks);
        looked += found.looked;
        unreadable += found.unreadable;
        incomplete ||= found.incomplete;
        progress.update(looked);
      }
    } finally {
      progress.end();
    }
    if (context.json) return context.printJson({ tasks: tasks.map(taskJson), looked, unreadable, incomplete });
    if (tasks.length === 0) context.print(`No tasks found; looked at ${looked}`);
    else {
      const rows = tasks.map((task) => [task.id, task.queue, task.type, task.state, printableText(task.payload), task.lastErr ?? ""]);
      context.stdout.write(table(["ID", "Queue", "Type", "State", "Payload", "Last Error"], rows));
    }
    if (unreadable > 0) context.warn(`${unreadable} tasks cannot be read, and none of them is shown`);
    if (incomplete)
      context.warn(`incomplete: looked at ${looked} tasks and found ${tasks.length}; --max-looked and --limit let it look further`);
  }

  /** Which queues have tasks, and in which states: ten thousand are asked so in a few requests, and to look into one takes a dozen. */
  async function placesOf(inspector: Inspector, meant: readonly StoredState[] = states): Promise<Place[]> {
    const { readQueueInfos } = await import("@asynqjs/core/inspector");
    const queues = await couldNot("search tasks", inspector.queues());
    const infos = await couldNot("search tasks", readQueueInfos(inspector.broker, queues));
    return infos.flatMap(({ value, error }, nth) => {
      const queue = queues[nth]!;
      if (error !== undefined) {
        context.complain(new CliError(exitCodeOf(error), `could not search queue ${quoteAsGo(queue)}: ${lineOf(error)}`, error));
        return [];
      }
      const held = meant.filter((state) => (state === "js:quarantine" ? value.quarantined : value[state]) > 0);
      return held.length === 0 ? [] : [{ queue, states: held }];
    });
  }
}
