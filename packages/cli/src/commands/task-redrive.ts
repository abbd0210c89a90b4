import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { type FilterFlags, filterOf, takesFilter } from "./task-flags.ts";
import { tellFound } from "./tell-found.ts";

interface Flags extends FilterFlags {
  readonly queue: string;
  readonly id?: string;
  readonly state?: string;
  readonly dryRun?: boolean;
}

const states = ["archived", "retry"] as const;

/** Failed tasks begin anew, with all their retries; Asynq's `run` and `runall` let them go on with those they have left. */
export function addTaskRedrive(task: Command, context: CliContext): void {
  const redrive = takesFilter(
    task
      .command("redrive")
      .description("let failed tasks begin anew, with all their retries")
      .requiredOption("-q, --queue <name>", "queue to which the tasks belong (required)")
      .option("-i, --id <id>", "only this task")
      .option("-s, --state <state>", `only tasks in this state; one of { ${states.join(" | ")} }`),
  )
    .option("--dry-run", "only say how many tasks it would be")
    .action(redriveTasks);
  addExamples(
    redrive,
    "asynqjs task redrive --queue=myqueue --state=archived --error=timeout --dry-run",
    "asynqjs task redrive --queue=myqueue --type=email:*",
    "asynqjs task redrive --queue=myqueue --id=f1720682-f5a6-4db1-8953-4f48ae541d0f",
  );

  async function redriveTasks(flags: Flags): Promise<void> {
    const { queue, id, state, dryRun = false } = flags;
    const meant = states.filter((one) => state === undefined || one === state);
    if (meant.length === 0) throw new CliError(exitCodes.usage, `--state: expected ${states.join(" or ")}`);
    const inspector = await context.inspector();
    if (id !== undefined) {
      if (state !== undefined || dryRun || filterOf(flags) !== undefined)
        throw new CliError(exitCodes.usage, "--id means one task: say it without --state, --dry-run and filters");
      await couldNot("redrive task", inspector.redriveTask(queue, id));
      return context.json ? context.printJson({ done: 1 }) : context.print("1 tasks redriven");
    }
    const progress = context.progress("redrive");
    const signal = context.untilStopped();
    const report = await couldNot(
      "redrive tasks",
      inspector.actOnTasks(
        queue,
        "redrive",
        { ...filterOf(flags), states: meant },
        {
          dryRun,
          signal,
          onProgress: ({ looked }) => progress.update(looked),
        },
      ),
    ).finally(() => progress.end());
    if (context.json) context.printJson(report);
    else context.print(dryRun ? `${report.matched} tasks would be redriven` : `${report.done} tasks redriven`);
    tellFound(context, report);
  }
}
