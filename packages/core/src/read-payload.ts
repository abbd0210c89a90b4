/** A payload read as text or JSON. The errors name the task, and have no cause: a parser's error quotes what it could not read. @module */
import { DecodeError } from "./errors.ts";

let utf8: InstanceType<typeof TextDecoder> | undefined;

/**
 * The payload as text. `what` is whose it is, for the error: `the payload of task "…" of queue "…"`.
 * @throws {DecodeError} it is not UTF-8
 */
export function payloadText(payload: Uint8Array, what: string): string {
  try {
    utf8 ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return utf8.decode(payload);
  } catch {
    throw new DecodeError(what, "it is not UTF-8");
  }
}

/**
 * The payload read as JSON; `T` is what you say it is, nothing checks it.
 * @throws {DecodeError} it is not JSON
 */
export function payloadJson<T = unknown>(payload: Uint8Array, what: string): T {
  const text = payloadText(payload, what);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new DecodeError(what, "it is not JSON");
  }
}
