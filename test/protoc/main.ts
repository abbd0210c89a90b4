/**
 * Holds our protobuf against `protoc`: we write its bytes and read them, and it reads ours, patched ones too. Prints one line; a missing
 * protoc is a skip, and with `CI` set a failure.
 * @module
 */
import assert from "node:assert/strict";
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
  patchTaskMessage,
} from "@asynqjs/core/wire";
import fc from "fast-check";
import {
  negativeRetry,
  schedulerEnqueueEvent,
  schedulerEntry,
  serverInfo,
  taskMessages,
  workerInfo,
} from "../support/wire/golden-vectors.ts";
import {
  randomChanges,
  randomEnqueueEvent,
  randomSchedulerEntry,
  randomServerInfo,
  randomTaskMessage,
  randomWorkerInfo,
} from "../support/wire/random-messages.ts";
import { findProtoc, type MessageName, type Protoc } from "./protoc.ts";
import { enqueueEventText, schedulerEntryText, serverInfoText, taskMessageText, workerInfoText } from "./text-form.ts";

interface Kind<Message> {
  readonly name: MessageName;
  readonly golden: readonly { readonly message: Message; readonly hex: string }[];
  readonly random: fc.Arbitrary<Message>;
  readonly text: (message: Message) => string;
  readonly encode: (message: Message) => Uint8Array;
  readonly decode: (bytes: Uint8Array, where: string) => Message;
}

const seed = 2024;
const taskKind: Kind<(typeof taskMessages)[number]["message"]> = {
  name: "TaskMessage",
  golden: taskMessages,
  random: randomTaskMessage,
  text: taskMessageText,
  encode: (message) => encodeTaskMessage(message).bytes,
  decode: decodeTaskMessage,
};

/** Says what a message holds in one way: keys sorted, nothing absent. */
function canonical(message: object): string {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
    if (typeof value === "bigint") return `${value} ns`;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, plain(inner)]);
  };
  return JSON.stringify(plain(message));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Both ways over the golden vectors and `count` random messages; answers how many they were. */
function check<Message extends object>(protoc: Protoc, kind: Kind<Message>, count: number): number {
  const messages = [...kind.golden.map(({ message }) => message), ...fc.sample(kind.random, { numRuns: count, seed })];
  const theirs = protoc.encode(kind.name, messages.map(kind.text));
  assert.equal(theirs.length, messages.length);
  for (const [i, { hex: golden }] of kind.golden.entries()) assert.equal(hex(theirs[i]!), golden);
  const ours = messages.map(kind.encode);
  for (const [i, message] of messages.entries()) {
    assert.equal(hex(ours[i]!), hex(theirs[i]!), `encoding ${kind.name} ${canonical(message)}`);
    assert.equal(canonical(kind.decode(theirs[i]!, kind.name)), canonical(message));
  }
  assertReads(protoc, kind.name, ours, theirs);
  return messages.length;
}

/** What protoc reads in ours is what it reads in its own, and leaves no field unnamed. */
function assertReads(protoc: Protoc, name: MessageName, ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): void {
  const read = protoc.decode(name, ours);
  assert.equal(read.length, theirs.length);
  assert.deepEqual(read, protoc.decode(name, theirs));
  for (const text of read) assert.doesNotMatch(text, /^\s*\d+[ :]/m);
}

function checkPatches(protoc: Protoc, count: number): number {
  const cases = fc.sample(fc.tuple(randomTaskMessage, randomChanges), { numRuns: count, seed: seed + 1 });
  const before = protoc.encode(
    "TaskMessage",
    cases.map(([message]) => taskMessageText(message)),
  );
  const after = protoc.encode(
    "TaskMessage",
    cases.map(([message, changes]) => taskMessageText({ ...message, ...changes })),
  );
  const patched = cases.map(([message, changes], i) => {
    const { bytes, textStart, textEnd } = patchTaskMessage(before[i]!, changes);
    assert.equal(hex(bytes), hex(after[i]!), `patching ${canonical(message)} to ${canonical(changes)}`);
    assert.equal(hex(bytes.subarray(textStart, textEnd)), hex(changes.payload ?? new Uint8Array()));
    return bytes;
  });
  assertReads(protoc, "TaskMessage", patched, after);
  return cases.length;
}

const protoc = findProtoc();
if ("missing" in protoc) {
  console.log(`protoc: skipped: ${protoc.missing}`);
  process.exitCode = process.env.CI ? 1 : 0;
} else {
  try {
    const counts = [
      check(protoc, taskKind, 400),
      check(
        protoc,
        {
          name: "ServerInfo",
          golden: [serverInfo],
          random: randomServerInfo,
          text: serverInfoText,
          encode: encodeServerInfo,
          decode: decodeServerInfo,
        },
        100,
      ),
      check(
        protoc,
        {
          name: "WorkerInfo",
          golden: [workerInfo],
          random: randomWorkerInfo,
          text: workerInfoText,
          encode: encodeWorkerInfo,
          decode: decodeWorkerInfo,
        },
        100,
      ),
      check(
        protoc,
        {
          name: "SchedulerEntry",
          golden: [schedulerEntry],
          random: randomSchedulerEntry,
          text: schedulerEntryText,
          encode: encodeSchedulerEntry,
          decode: decodeSchedulerEntry,
        },
        100,
      ),
      check(
        protoc,
        {
          name: "SchedulerEnqueueEvent",
          golden: [schedulerEnqueueEvent],
          random: randomEnqueueEvent,
          text: enqueueEventText,
          encode: encodeSchedulerEnqueueEvent,
          decode: decodeSchedulerEnqueueEvent,
        },
        100,
      ),
      checkPatches(protoc, 300),
    ];
    const [negative] = protoc.encode("TaskMessage", [taskMessageText(negativeRetry.message)]);
    assert.equal(hex(negative!), negativeRetry.hex);
    assert.equal(hex(encodeTaskMessage(negativeRetry.message).bytes), negativeRetry.hex);
    console.log(`protoc: ran (${counts.reduce((sum, count) => sum + count, 1)} messages)`);
  } catch (error) {
    console.log(`protoc: failed: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  } finally {
    protoc.close();
  }
}
