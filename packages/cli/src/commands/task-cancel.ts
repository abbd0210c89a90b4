import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";

/** @see Asynq tools/asynq/cmd/task.go, `taskCancel` */
export function addTaskCancel(task: Command, context: CliContext): void {
  const cancel = task
    .command("cancel")
    .argument("<task_id...>", "ids of the tasks")
    .description("cancel one or more active tasks")
    .option("-q, --queue <name>", "only in this queue, where another may have a task of the same id; Go workers do not hear of it")
    .action(async (ids: readonly string[], { queue }: { readonly queue?: string }) => {
      const inspector = await context.inspector();
      const sent: string[] = [];
      for (const id of ids) {
        try {
          await couldNot("send cancelation signal", inspector.cancelProcessing(queue === undefined ? id : { queue, id }));
        } catch (error) {
          context.complain(error);
          continue;
        }
        sent.push(id);
        if (!context.json) context.print(`Sent cancelation signal for task ${id}`);
      }
      if (context.json) context.printJson({ sent });
    });
  addExamples(cancel, "asynqjs task cancel f1720682-f5a6-4db1-8953-4f48ae541d0f");
}
