import type { TaskFilter } from "@asynqjs/core/inspector";
import { type Command, InvalidArgumentError } from "commander";

/** Which task is meant. */
export interface TaskFlags {
  readonly queue: string;
  readonly id: string;
}

/** Of a command that is about one task. */
export function takesOneTask(command: Command): Command {
  return command
    .requiredOption("-q, --queue <name>", "queue to which the task belongs (required)")
    .requiredOption("-i, --id <id>", "id of the task (required)");
}

/** Which tasks are meant, by what they are. */
export interface FilterFlags {
  readonly type?: string;
  readonly error?: string;
  readonly where?: NonNullable<TaskFilter["payload"]>;
}

/** Of a command that is about the tasks that match. */
export function takesFilter(command: Command): Command {
  return command
    .option("--type <name>", "only tasks of this type; report:* is all whose type begins with report:")
    .option("--error <text>", "only tasks whose last error holds this text, in upper or lower case")
    .option(
      "--where <field=value>",
      "only tasks whose JSON payload has this value in this field: user.id=7, items.0.sku=a, =whole",
      payloadField,
    );
}

/** What the flags ask of a task; `undefined` when they ask nothing. */
export function filterOf({ type, error, where }: FilterFlags): TaskFilter | undefined {
  return type === undefined && error === undefined && where === undefined ? undefined : { type, error, payload: where };
}

/** `user.id=7`; a value that is no JSON is text. */
function payloadField(text: string): NonNullable<TaskFilter["payload"]> {
  const at = text.indexOf("=");
  if (at < 0) throw new InvalidArgumentError("Expected a field and its value, such as user.id=7");
  const value = text.slice(at + 1);
  try {
    return { field: text.slice(0, at), equals: JSON.parse(value) };
  } catch {
    return { field: text.slice(0, at), equals: value };
  }
}
