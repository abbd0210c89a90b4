import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { splitFields } from "../support/wire/split-fields.ts";

export type MessageName = "TaskMessage" | "ServerInfo" | "WorkerInfo" | "SchedulerEntry" | "SchedulerEnqueueEvent";

/** The machine's `protoc`, many messages a call: to start it takes longer than they do. */
export interface Protoc {
  /** The bytes of messages in text form. */
  encode(name: MessageName, texts: readonly string[]): Buffer[];
  /** The text form of messages. */
  decode(name: MessageName, messages: readonly Uint8Array[]): string[];
  close(): void;
}

const schema = fileURLToPath(import.meta.resolve("@asynqjs/core/wire")).replace(/index\.ts$/, "asynq.proto");
const names: readonly MessageName[] = ["TaskMessage", "ServerInfo", "WorkerInfo", "SchedulerEntry", "SchedulerEnqueueEvent"];
const timestamp = 'syntax = "proto3"; package google.protobuf; message Timestamp { int64 seconds = 1; int32 nanos = 2; }';

/** `protoc` with Asynq's schema, or why there is none. */
export function findProtoc(): Protoc | { readonly missing: string } {
  const found = spawnSync("protoc", ["--version"]);
  if (found.error) return { missing: "protoc is not installed (on Debian it is in protobuf-compiler)" };
  const folder = mkdtempSync(path.join(tmpdir(), "asynqjs-protoc-"));
  mkdirSync(path.join(folder, "google/protobuf"), { recursive: true });
  // protoc's own copy comes in another package, which may be absent.
  writeFileSync(path.join(folder, "google/protobuf/timestamp.proto"), timestamp);
  writeFileSync(path.join(folder, "asynq.proto"), readFileSync(schema));
  const lists = names.map((name) => `message ${name}List { repeated asynq.${name} item = 1; }`);
  writeFileSync(path.join(folder, "lists.proto"), `syntax = "proto3"; package lists; import "asynq.proto"; ${lists.join(" ")}`);

  const run = (args: readonly string[], input: string | Buffer): Buffer => {
    const done = spawnSync("protoc", [`--proto_path=${folder}`, ...args, "lists.proto"], { input, maxBuffer: 2 ** 28 });
    if (done.status !== 0) throw new Error(`protoc ${args.join(" ")} failed: ${done.stderr}`);
    return done.stdout;
  };
  return {
    encode(name, texts) {
      const input = texts.map((text) => `item { ${text} }\n`).join("");
      return splitFields(run([`--encode=lists.${name}List`, "--deterministic_output"], input)).map(({ value }) => value);
    },
    decode(name, messages) {
      const list = Buffer.concat(messages.flatMap((message) => [Buffer.of(0x0a), varint(message.length), message]));
      const text = run([`--decode=lists.${name}List`], list).toString();
      return text.split(/^(?=item \{)/m).filter((item) => item !== "");
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function varint(value: number): Buffer {
  return value < 128 ? Buffer.of(value) : Buffer.concat([Buffer.of((value & 127) | 128), varint(value >>> 7)]);
}
