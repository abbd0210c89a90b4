/**
 * What a user makes and a handler gets.
 *
 * The words, as in Asynq: a *task* is a piece of work with a type and a payload. It waits in a *queue*: *pending* until a worker takes it,
 * *scheduled* until its time, *aggregating* in a *group*. A worker that runs it (*active*) holds a *lease*; a task whose lease ran out is
 * recovered. A failed task waits in *retry*, one that may not be tried again is *archived*, one with *retention* stays as *completed*.
 * @module
 */
import { demand } from "./demand.ts";
import { encodeText } from "./encode-text.ts";
import { InvalidOptionError } from "./errors.ts";
import type { EnqueueOptions } from "./options.ts";

/** `undefined` is no payload; bytes, a buffer or a view of one, stay bytes; a string is its UTF-8; anything else is its JSON. */
export type Payload =
  | undefined
  | ArrayBuffer
  | ArrayBufferView
  | string
  | number
  | boolean
  | null
  | readonly unknown[]
  | { readonly [key: string]: unknown }
  | object;

/**
 * A unit of work: a type name, a payload and default options, which those given at enqueue override.
 *
 * @throws {InvalidOptionError} blank type, payload that JSON cannot hold
 * @see Asynq asynq.go, `NewTask`
 */
export class Task {
  declare readonly type: string;
  /** The payload as the bytes that are stored; `undefined` when there is none. */
  declare readonly payload: Uint8Array | undefined;
  declare readonly options: EnqueueOptions;

  constructor(type: string, payload?: Payload, options: EnqueueOptions = {}) {
    demand(typeof type === "string" && type.trim() !== "", "type", "a task's type must contain one or more characters");
    this.type = type.toWellFormed();
    this.payload = payloadBytes(payload);
    this.options = options;
  }
}

/** The seven states of Asynq; ours besides, `js:quarantine`, is no state a Go peer knows. */
export type TaskState = "pending" | "active" | "scheduled" | "retry" | "archived" | "completed" | "aggregating";

/** A task as it stands in Redis. Asynq: `TaskInfo`. */
export interface TaskInfo {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: Uint8Array | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly state: TaskState;
  readonly maxRetry: number;
  readonly retried: number;
  readonly timeoutSec: number | undefined;
  readonly deadline: Date | undefined;
  readonly group: string | undefined;
  readonly retentionSec: number;
  /** When a worker may take it: now when pending, its time when scheduled, unknown while aggregating. */
  readonly nextProcessAt: Date | undefined;
}

function payloadBytes(payload: Payload): Uint8Array | undefined {
  if (payload === undefined) return payload;
  if (payload instanceof ArrayBuffer) return new Uint8Array(payload);
  if (ArrayBuffer.isView(payload)) return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  if (typeof payload === "string") return encodeText(payload);
  return jsonBytes("payload", payload);
}

/**
 * A value's JSON in UTF-8.
 * @throws {InvalidOptionError} names the option: JSON cannot hold its value
 */
export function jsonBytes(option: string, value: unknown): Uint8Array {
  let json: string | undefined;
  let cause: unknown;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (json === undefined) throw new InvalidOptionError(option, "expected bytes, a string, or what JSON can hold", cause);
  return encodeText(json);
}
