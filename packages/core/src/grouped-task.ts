import { payloadJson, payloadText } from "./read-payload.ts";
import type { TaskMessage } from "./task-message.ts";

/** A task as an aggregator gets it: what it is, and nothing of where it waited. */
export class GroupedTask {
  readonly type: string;
  /** The bytes as they were enqueued; empty when there is no payload. */
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly #what: string;

  constructor({ type, payload = new Uint8Array(), headers = {}, id, queue }: TaskMessage) {
    this.type = type;
    this.payload = payload;
    this.headers = headers;
    this.#what = `the payload of task "${id}" of queue "${queue}"`;
  }

  /** The payload as text. @throws {DecodeError} it is not UTF-8 */
  text(): string {
    return payloadText(this.payload, this.#what);
  }

  /** The payload read as JSON; `T` is what you say it is, nothing checks it. @throws {DecodeError} it is not JSON */
  json<T = unknown>(): T {
    return payloadJson<T>(this.payload, this.#what);
  }
}
