import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { type TaskFlags, takesOneTask } from "./task-flags.ts";

const moves = [
  { verb: "archive", method: "archiveTask", done: "task archived", aliases: [] },
  { verb: "delete", method: "deleteTask", done: "task deleted", aliases: ["remove", "rm"] },
  { verb: "run", method: "runTask", done: "task is now pending", aliases: [] },
] as const;

/** `archive`, `delete` and `run`: one task each. @see Asynq tools/asynq/cmd/task.go, `taskArchive` and its neighbours */
export function addTaskMove(task: Command, context: CliContext): void {
  for (const { verb, method, done, aliases } of moves) {
    const move = takesOneTask(task.command(verb).aliases(aliases).description(`${verb} a task with the given id`)).action(
      async ({ queue, id }: TaskFlags) => {
        const inspector = await context.inspector();
        await couldNot(`${verb} task`, inspector[method](queue, id));
        if (context.json) context.printJson({ queue, id, done });
        else context.print(done);
      },
    );
    addExamples(move, `asynqjs task ${verb} --queue=myqueue --id=f1720682-f5a6-4db1-8953-4f48ae541d0f`);
  }
}
