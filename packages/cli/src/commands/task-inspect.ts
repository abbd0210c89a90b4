import type { StoredTask } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { type TaskFlags, takesOneTask } from "./task-flags.ts";
import { taskJson } from "./task-json.ts";
import { nextProcessTime, pastTime } from "./task-times.ts";

/** @see Asynq tools/asynq/cmd/task.go, `taskInspect` */
export function addTaskInspect(task: Command, context: CliContext): void {
  const inspect = takesOneTask(task.command("inspect").description("display detailed information on the specified task")).action(
    async ({ queue, id }: TaskFlags) => {
      const inspector = await context.inspector();
      const info = await couldNot("get task info", inspector.getTaskInfo(queue, id));
      if (context.json) context.printJson(taskJson(info));
      else printTask(info);
    },
  );
  addExamples(inspect, "asynqjs task inspect --queue=myqueue --id=f1720682-f5a6-4db1-8953-4f48ae541d0f");

  function printTask({ queue, id, type, state, retried, maxRetry, nextProcessAt, lastErr, lastFailedAt }: StoredTask): void {
    context.print(context.style.bold("Task Info"));
    context.print(`Queue:   ${queue}`);
    context.print(`ID:      ${id}`);
    context.print(`Type:    ${type}`);
    context.print(`State:   ${state}`);
    context.print(`Retried: ${retried}/${maxRetry}`);
    context.print();
    context.print(`Next process time: ${nextProcessTime(nextProcessAt, context.clock.nowMs())}`);
    if (lastErr === undefined) return;
    context.print();
    context.print(context.style.bold("Last Failure"));
    context.print(`Failed at:     ${pastTime(lastFailedAt)}`);
    context.print(`Error message: ${lastErr}`);
  }
}
