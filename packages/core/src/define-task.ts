/**
 * A task's type, payload and result, said once and used where it is enqueued and where it is handled.
 * @module
 */
import { DecodeError, InvalidOptionError, InvalidPayloadError } from "./errors.ts";
import type { EnqueueOptions } from "./options.ts";
import type { SchemaIssue, SchemaResult, StandardSchemaV1 } from "./standard-schema.ts";
import { jsonBytes, Task } from "./task.ts";

/** Makes tasks of one type: `client.enqueue(welcome({ to }))`; and names it to a mux: `mux.handle(welcome, async (task) => …)`. */
export interface TaskDefinition<Input, Payload = Input, Result = unknown> {
  /**
   * A task with this payload, as JSON.
   * @throws {InvalidPayloadError} the schema does not take it
   * @throws {InvalidOptionError} JSON cannot hold it, or the schema answers a promise: nothing here can wait
   */
  (payload: Input, options?: EnqueueOptions): Task;
  readonly type: string;
  readonly schema: StandardSchemaV1<unknown, Payload> | undefined;
  /** The same definition, its result being an `R`: for types alone, nothing checks it. */
  returns<R>(): TaskDefinition<Input, Payload, R>;
  /** For types alone: never there. */
  readonly "~types"?: { readonly payload: Payload; readonly result: Result } | undefined;
}

/** What a handler of this definition reads with `task.json()`. */
export type PayloadOf<D> = D extends { readonly "~types"?: { readonly payload: infer P } | undefined } ? P : never;

/** What a handler of this definition writes with `task.resultWriter.writeJson`. */
export type ResultOf<D> = D extends { readonly "~types"?: { readonly result: infer R } | undefined } ? R : never;

/** What is left of a value that went through JSON: a `Date` is a string, a function is gone. */
export type ThroughJson<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON(): infer J }
      ? J
      : T extends bigint | symbol | ((...args: never) => unknown)
        ? never
        : { [K in keyof T]: ThroughJson<T[K]> };

/**
 * Defines a task by a type name and the type of its payload: for TypeScript alone, nothing is checked when it runs. `void`: no payload.
 * @throws {InvalidOptionError} blank type
 */
export function defineTask<Payload = void>(type: string): TaskDefinition<Payload, ThroughJson<Payload>>;
/**
 * Defines a task by a type name and a Standard Schema of its payload (zod, valibot, arktype, …). What the schema is shown is what JSON makes of
 * the payload, where it is enqueued as where it is handled, so that what goes in comes out; what is stored is the payload as it was given,
 * and what a handler gets is what the schema makes of it.
 * @throws {InvalidOptionError} blank type
 */
export function defineTask<Input, Output>(type: string, schema: StandardSchemaV1<Input, Output>): TaskDefinition<Input, Output>;
export function defineTask(type: string, schema?: StandardSchemaV1): TaskDefinition<unknown> {
  const { type: name } = new Task(type);
  const make = (payload: unknown, options?: EnqueueOptions): Task => {
    const bytes = payload === undefined ? undefined : jsonBytes("payload", payload);
    if (schema !== undefined) acceptNow(name, schema["~standard"].validate(parse(bytes)));
    return new Task(name, bytes, options);
  };
  const definition: TaskDefinition<unknown> = Object.assign(make, { type: name, schema, returns: () => definition as never });
  return definition;
}

/**
 * The payload of a stored task as its definition's schema has it; without a schema, what its JSON says. No payload is `undefined`.
 * @throws {DecodeError} it is not JSON
 * @throws {InvalidPayloadError} the schema does not take it
 */
export async function readPayload<Payload>(
  { type, schema }: Pick<TaskDefinition<never, Payload>, "type" | "schema">,
  bytes: Uint8Array | undefined,
): Promise<Payload> {
  let value: unknown;
  try {
    value = parse(bytes);
  } catch {
    // Without the parser's error as its cause, which quotes the payload.
    throw new DecodeError(`the payload of a task of type "${type}"`, "it is not JSON");
  }
  return schema === undefined ? (value as Payload) : accept(type, await schema["~standard"].validate(value));
}

function parse(bytes: Uint8Array | undefined): unknown {
  return bytes === undefined || bytes.length === 0 ? undefined : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

function accept<Output>(type: string, result: SchemaResult<Output>): Output {
  if (result.issues) throw new InvalidPayloadError(type, result.issues.map(pathOf));
  return result.value;
}

function acceptNow(type: string, result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>): void {
  if ("then" in result) {
    result.then(undefined, () => {});
    throw new InvalidOptionError("schema", `expected one that answers at once, for tasks of type "${type}" that are enqueued`);
  }
  accept(type, result);
}

/** `items[0].price`; the values at these places are told to nobody. */
function pathOf({ path = [] }: SchemaIssue): string {
  let text = "";
  for (const segment of path) {
    const key = typeof segment === "object" ? segment.key : segment;
    if (typeof key === "number") text += `[${key}]`;
    else text += `${text === "" ? "" : "."}${String(key)}`;
  }
  return text;
}
