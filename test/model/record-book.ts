import { type Reply, replayWindowSec } from "@asynqjs/core";
import type { Dump } from "./read-keyspace.ts";

interface CallRecord {
  readonly seq: number;
  readonly value: unknown;
  readonly reply: Reply;
  endMs: number;
  /** What stands there, once it was seen: how a script writes down what it answered is its own. */
  text?: string;
}

export const isCallRecord = (key: string): boolean => key.includes(":js:call:");

/** The call records there are to be: which call of which lane, what it was answered, and until when. */
export class RecordBook {
  readonly #records = new Map<string, CallRecord>();
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  get(key: string): CallRecord | undefined {
    return this.#records.get(key);
  }
  write(key: string, seq: number, value: unknown, reply: Reply): void {
    this.#records.set(key, { seq, value, reply, endMs: this.#nowMs + replayWindowSec * 1000 });
  }
  /** A repetition begins the record's time anew. */
  refresh(key: string): void {
    this.#records.get(key)!.endMs = this.#nowMs + replayWindowSec * 1000;
  }
  drop(key: string): void {
    this.#records.delete(key);
  }
  keys(): string[] {
    return [...this.#records.keys()];
  }
  leftMs(key: string): number | undefined {
    const record = this.#records.get(key);
    return record === undefined ? undefined : record.endMs - this.#nowMs;
  }
  advance(byMs: number): void {
    this.#nowMs += byMs;
    for (const [key, { endMs }] of this.#records) if (endMs <= this.#nowMs) this.#records.delete(key);
  }

  /** What differs from the records in Redis, a line each. */
  compare(real: Dump, elapsedMs: number): string[] {
    const lines: string[] = [];
    for (const [key, { text, leftMs }] of real.keys) {
      if (!isCallRecord(key)) continue;
      const record = this.#records.get(key);
      if (record === undefined) {
        lines.push(`redis has the call record ${key}: ${text.slice(1)}`);
        continue;
      }
      if (record.text === undefined && text.startsWith(`t${record.seq}:`)) record.text = text;
      if (record.text !== text) lines.push(`${key}:`, `  redis ${text.slice(1)}`, `  model ${record.text?.slice(1) ?? `${record.seq}:…`}`);
      const left = record.endMs - this.#nowMs;
      if (leftMs > left || leftMs < left - elapsedMs) lines.push(`${key} ends in ${leftMs} ms, by the model in ${left} ms`);
    }
    for (const key of this.#records.keys()) if (!real.keys.has(key)) lines.push(`redis lacks the call record ${key}`);
    return lines;
  }
}
