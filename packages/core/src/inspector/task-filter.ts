/** Which tasks are meant, by what they are. @module */
import { demand } from "../demand.ts";
import { payloadText } from "../read-payload.ts";
import type { StoredState, StoredTask } from "./stored-task.ts";

/** All that is said has to hold; nothing said is every task. */
export interface TaskFilter {
  /** Where it is looked. Default: every state from which what is to be done takes tasks. */
  readonly states?: readonly StoredState[] | undefined;
  /** Of tasks that are `aggregating` those of this group alone. Default: of all groups. */
  readonly group?: string | undefined;
  /** A part of the id. */
  readonly id?: string | undefined;
  /** The type, or what it begins with where this ends in `*`. */
  readonly type?: string | undefined;
  /** A part of the error of its last run, in upper or lower case. */
  readonly error?: string | undefined;
  /** A field of a payload that is JSON, `user.id` or `items.0.sku`, and its value; `""` is the whole payload. Objects are compared by their JSON. */
  readonly payload?: { readonly field: string; readonly equals: unknown } | undefined;
  /** Whatever else may be asked of a task. */
  readonly where?: ((task: StoredTask) => boolean) | undefined;
}

/**
 * A test of tasks.
 * @throws {InvalidOptionError} a part of the filter cannot be used
 */
export function compileFilter({ id, type, error, payload, where }: TaskFilter): (task: StoredTask) => boolean {
  for (const [name, text] of Object.entries({ id, type, error }))
    demand(text === undefined || (typeof text === "string" && text !== ""), name, "expected text");
  demand(payload === undefined || typeof payload.field === "string", "payload", "expected a field and what it equals");
  const ofType = type?.endsWith("*") ? (name: string) => name.startsWith(type.slice(0, -1)) : (name: string) => name === type;
  const sought = error?.toLowerCase();
  const path = payload === undefined || payload.field === "" ? [] : payload.field.split(".");
  const equals = payload && JSON.stringify(payload.equals);
  return (task) =>
    (id === undefined || task.id.includes(id)) &&
    (type === undefined || ofType(task.type)) &&
    (sought === undefined || (task.lastErr ?? "").toLowerCase().includes(sought)) &&
    (payload === undefined || fieldJson(task.payload, path) === equals) &&
    (where === undefined || where(task));
}

/** The JSON of a field; `undefined` where there is none, or the payload is no JSON. */
function fieldJson(payload: Uint8Array | undefined, path: readonly string[]): string | undefined {
  if (payload === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(payloadText(payload, "a payload"));
  } catch {
    return undefined;
  }
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return JSON.stringify(value);
}
