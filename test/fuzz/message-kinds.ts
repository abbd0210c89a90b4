/**
 * Asynq's five messages: our reader of each, and the table by which the reference reader goes.
 * @module
 */
import { InvalidOptionError } from "@asynqjs/core/errors";
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  decodeServerInfo,
  decodeTaskMessage,
  decodeWorkerInfo,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeServerInfo,
  encodeTaskMessage,
  encodeWorkerInfo,
} from "@asynqjs/core/wire";
import type { FieldKind, Schema } from "./reference-reader.ts";

export interface MessageKind {
  readonly decode: (bytes: Uint8Array, where: string) => object;
  /** `undefined` for a message that has a time which cannot be written. */
  readonly encode: (message: object) => Uint8Array | undefined;
  /** By number from 1, as in asynq.proto; the names are ours. */
  readonly schema: Schema;
  /** Texts that are absent, not empty, where there are none. */
  readonly optional?: readonly string[];
  /** Texts that may not be blank, which Go lets pass. */
  readonly needed?: readonly string[];
}

/** A message's reader and writer, which belong together. */
const coded = <Message extends object>(
  decode: (bytes: Uint8Array, where: string) => Message,
  encode: (message: Message) => Uint8Array,
): Pick<MessageKind, "decode" | "encode"> => ({
  decode,
  encode(message) {
    try {
      return encode(message as Message);
    } catch (error) {
      if (error instanceof InvalidOptionError && error.option.endsWith("Ns")) return undefined;
      throw error;
    }
  },
});

const table = (fields: Readonly<Record<string, FieldKind>>): Schema =>
  new Map(Object.entries(fields).map(([name, kind], i) => [i + 1, { name, kind }]));

export const taskKind: MessageKind = {
  ...coded(decodeTaskMessage, (message) => encodeTaskMessage(message).bytes),
  schema: table({
    type: "text",
    payload: "bytes",
    id: "text",
    queue: "text",
    retry: "int32",
    retried: "int32",
    errorMsg: "text",
    timeoutSec: "int64",
    deadlineSec: "int64",
    uniqueKey: "text",
    lastFailedAtSec: "int64",
    retentionSec: "int64",
    completedAtSec: "int64",
    groupKey: "text",
    headers: "map of text",
  }),
  optional: ["errorMsg", "uniqueKey", "groupKey"],
  needed: ["id", "type"],
};

export const messageKinds: readonly MessageKind[] = [
  taskKind,
  {
    ...coded(decodeServerInfo, encodeServerInfo),
    schema: table({
      host: "text",
      pid: "int32",
      serverId: "text",
      concurrency: "int32",
      queues: "map of int32",
      strictPriority: "bool",
      status: "text",
      startedAtNs: "time",
      activeWorkerCount: "int32",
    }),
  },
  {
    ...coded(decodeWorkerInfo, encodeWorkerInfo),
    schema: table({
      host: "text",
      pid: "int32",
      serverId: "text",
      taskId: "text",
      taskType: "text",
      taskPayload: "bytes",
      queue: "text",
      startedAtNs: "time",
      deadlineNs: "time",
    }),
  },
  {
    ...coded(decodeSchedulerEntry, encodeSchedulerEntry),
    schema: table({
      id: "text",
      spec: "text",
      taskType: "text",
      taskPayload: "bytes",
      enqueueOptions: "texts",
      nextEnqueueAtNs: "time",
      prevEnqueueAtNs: "time",
    }),
  },
  { ...coded(decodeSchedulerEnqueueEvent, encodeSchedulerEnqueueEvent), schema: table({ taskId: "text", enqueuedAtNs: "time" }) },
];

/** What our reader answers for what the reference read; `undefined` where it refuses what Go reads, as we say it does. */
export function expectedOf(
  { schema, optional = [], needed = [] }: MessageKind,
  values: Readonly<Record<string, unknown>>,
): object | undefined {
  if (needed.some((name) => ((values[name] as string | undefined) ?? "").trim() === "")) return undefined;
  const expected: Record<string, unknown> = {};
  for (const { name, kind } of schema.values()) {
    const value = values[name];
    if (kind === "int64" && !Number.isSafeInteger(Number(value ?? 0))) return undefined;
    expected[name] = optional.includes(name) ? value || undefined : ours(kind, value);
  }
  return expected;
}

function ours(kind: FieldKind, value: unknown): unknown {
  switch (kind) {
    case "text":
      return value ?? "";
    case "int32":
      return value ?? 0;
    case "bool":
      return value ?? false;
    case "texts":
      return value ?? [];
    case "bytes":
      return (value as Uint8Array | undefined)?.length ? value : undefined;
    case "int64":
      return Number(value ?? 0) || undefined;
    case "map of text":
      return value;
    case "map of int32":
      return value ?? Object.create(null);
    case "time": {
      if (value === undefined) return undefined;
      const { seconds = 0n, nanos = 0 } = value as { readonly seconds?: bigint; readonly nanos?: number };
      return seconds * 1_000_000_000n + BigInt(nanos);
    }
  }
}
