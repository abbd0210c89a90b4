import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { durationSec, rfc3339 } from "./read-flag.ts";
import { type TaskFlags, takesOneTask } from "./task-flags.ts";

interface RescheduleFlags extends TaskFlags {
  readonly process_at?: Date;
  readonly process_in?: number;
}

/** `update-payload` and `reschedule`: what is changed of a task that waits. */
export function addTaskChange(task: Command, context: CliContext): void {
  const update = takesOneTask(task.command("update-payload").description("give a task that waits, or is archived, another payload"))
    .requiredOption("-l, --payload <text>", "the new payload (required)")
    .action(async ({ queue, id, payload }: TaskFlags & { readonly payload: string }) => {
      const inspector = await context.inspector();
      await couldNot("update task payload", inspector.updateTaskPayload(queue, id, payload));
      if (context.json) context.printJson({ queue, id, done: "task payload updated" });
      else context.print("task payload updated");
    });
  addExamples(update, `asynqjs task update-payload --queue=myqueue --id=f1720682-f5a6-4db1-8953-4f48ae541d0f --payload='{"user":7}'`);

  const reschedule = takesOneTask(task.command("reschedule").description("let a task that waits be processed at another time"))
    .option("--process_at <time>", "when it is to be processed, in RFC3339 format", rfc3339)
    .option("--process_in <duration>", "in how long it is to be processed, such as 90s", durationSec)
    .action(async ({ queue, id, process_at, process_in }: RescheduleFlags) => {
      if ((process_at === undefined) === (process_in === undefined))
        throw new CliError(exitCodes.usage, "say either --process_at or --process_in");
      const at = process_at ?? new Date(context.clock.nowMs() + process_in! * 1000);
      const inspector = await context.inspector();
      await couldNot("reschedule task", inspector.rescheduleTask(queue, id, at));
      if (context.json) context.printJson({ queue, id, processAt: at });
      else context.print("task rescheduled");
    });
  addExamples(
    reschedule,
    "asynqjs task reschedule --queue=myqueue --id=f1720682-f5a6-4db1-8953-4f48ae541d0f --process_in=5m",
    "asynqjs task reschedule --queue=myqueue --id=f1720682-f5a6-4db1-8953-4f48ae541d0f --process_at=2024-12-14T01:23:45Z",
  );
}
