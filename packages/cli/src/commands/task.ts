import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";
import { addTaskAll } from "./task-all.ts";
import { addTaskCancel } from "./task-cancel.ts";
import { addTaskChange } from "./task-change.ts";
import { addTaskEnqueue } from "./task-enqueue.ts";
import { addTaskInspect } from "./task-inspect.ts";
import { addTaskList } from "./task-list.ts";
import { addTaskLogs } from "./task-logs.ts";
import { addTaskMove } from "./task-move.ts";
import { addTaskRedrive } from "./task-redrive.ts";
import { addTaskSearch } from "./task-search.ts";

/** `asynqjs task`: Asynq's commands first, then ours. */
export function addTaskCommands(program: Command, context: CliContext): void {
  const task = program.command("task").description("manage tasks").usage("<command> [flags]");
  addExamples(
    task,
    "asynqjs task list --queue=myqueue --state=scheduled",
    "asynqjs task inspect --queue=myqueue --id=7837f142-6337-4217-9276-8f27281b67d1",
    "asynqjs task delete --queue=myqueue --id=7837f142-6337-4217-9276-8f27281b67d1",
    "asynqjs task deleteall --queue=myqueue --state=archived",
    "asynqjs task search --error=timeout",
  );
  for (const add of [
    addTaskList,
    addTaskInspect,
    addTaskCancel,
    addTaskMove,
    addTaskEnqueue,
    addTaskAll,
    addTaskLogs,
    addTaskSearch,
    addTaskRedrive,
    addTaskChange,
  ])
    add(task, context);
}
