import { createHash } from "node:crypto";
import {
  absentKey,
  allQueues,
  composeTask,
  enqueueNames,
  enqueueScript,
  groupsKey,
  maxPerEnqueue,
  pendingKey,
  queuePrefix,
  replayWindowSec,
  scheduledKey,
  systemClock,
  systemRandom,
  Task,
  unpackBytes,
} from "@asynqjs/core";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import type { Command } from "./command.ts";

/**
 * Why the bearer of an `enqueue` token may not run a command; `undefined` where it may.
 *
 * It may run core's enqueue script, by its hash or by its very text, with the keys and arguments of one of its queues, so that no key can be
 * reached that is not that queue's, and no message be stored that would lead a worker to another: a worker goes by the queue and the lock
 * that the message names. Every word has the one form that asynqjs writes.
 */
export function refuseUnlessEnqueuing(command: Command, queues: ReadonlySet<string>): string | undefined {
  const [name, ...words] = command;
  const args = words.filter((word) => typeof word === "string");
  // asynqjs sends text over HTTP. What bytes would be to Redis would have to be guessed here.
  if (args.length < words.length) return refusal("arguments that are no text");
  switch (name.toUpperCase()) {
    case "PING":
      return args.length === 0 ? undefined : refusal("PING with arguments");
    case "SADD":
      return args.length === 2 && args[0] === allQueues && queues.has(args[1]!) ? undefined : refusal("SADD of anything but its queues");
    case "EVAL":
    case "EVALSHA": {
      if (args[0] !== (name.toUpperCase() === "EVAL" ? text : sha1))
        return refusal("a script that is not the enqueue script of this version of asynqjs");
      const fault = findFault(args.slice(1), queues);
      return fault === undefined ? undefined : refusal(`an enqueue call with ${fault}`);
    }
    default:
      return refusal("anything but the enqueue script, SADD and PING");
  }
}

const text = enqueueScript.text("json", false);
const sha1 = createHash("sha1").update(text).digest("hex");

function refusal(what: string): string {
  return `NOPERM this token only enqueues: ${what} is not allowed`;
}

const keyCount = 1 + enqueueNames.keys.length;
const argNames = ["seq", "window_s", ...Object.keys(enqueueNames.args)];
const itemNames = Object.keys(enqueueNames.each);

/** What is wrong with the call, without the words of the caller. */
function findFault(words: readonly string[], queues: ReadonlySet<string>): string | undefined {
  // To what may be a Cluster the name of a key that is never there goes along.
  const withAbsent = words[0] === String(keyCount + 1);
  if (words[0] !== String(keyCount) && !withAbsent) return "another number of keys";
  const keys = words.slice(1, 1 + Number(words[0]));
  const args = words.slice(1 + Number(words[0]));
  const [, queue] = /^asynq:\{([^{}]*)\}:js:call:[0-9a-f]{32}:\d{1,10}$/.exec(keys[0] ?? "") ?? [];
  if (queue === undefined || !queues.has(queue)) return "the call record of another queue";
  const wanted = [pendingKey(queue), scheduledKey(queue), groupsKey(queue), ...(withAbsent ? [absentKey(queue)] : [])];
  if (!wanted.every((key, i) => key === keys[i + 1])) return "keys of another queue";

  const items = chunks(args.slice(argNames.length), itemNames);
  if (args.length < argNames.length || items === undefined) return "another number of arguments";
  if (items.length < 1 || items.length > maxPerEnqueue.items) return `fewer than 1 or more than ${maxPerEnqueue.items} tasks`;
  const { seq, window_s, prefix, now_s, now_ns } = named(argNames, args);
  if (prefix !== queuePrefix(queue)) return "the prefix of another queue";
  if (window_s !== String(replayWindowSec)) return "another replay window";
  if (!isCount(seq) || !isCount(now_s) || !isCount(now_ns, 19)) return "a number that is none";

  for (const item of items) {
    const fault = findItemFault(item, queue);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function findItemFault(
  { id = "", msg = "", process_at_s = "", group = "", lock = "", lock_ttl_s = "" }: Readonly<Record<string, string>>,
  queue: string,
): string | undefined {
  if (process_at_s !== "" && !isCount(process_at_s)) return "a time that is none";
  if (lock === "" ? lock_ttl_s !== "" : !isCount(lock_ttl_s) || Number(lock_ttl_s) < 1)
    return "a lock and no time to hold it, or a time and no lock";
  if (lock !== "" && !lock.startsWith(`${queuePrefix(queue)}unique:`)) return "the lock of another queue";

  const message = readMessage(msg);
  if (message === undefined) return "a message that cannot be read";
  if (message.queue !== queue) return "a message for another queue";
  if (message.id !== id) return "a message of another id";
  if ((message.uniqueKey ?? "") !== lock) return "a message of another lock";
  const grouped = message.groupKey ?? "";
  // A task that is scheduled goes to its group when it is due.
  if (grouped !== group && !(group === "" && process_at_s !== "")) return "a message of another group";
  if (!isNewTask(id, grouped)) return "an id or a group that a new task may not have";
  return undefined;
}

/** The message that the script would store: it takes for packed what begins with a digit, and anything else as it is. */
function readMessage(word: string): ReturnType<typeof decodeTaskMessage> | undefined {
  const bytes = /^[0-9]/.test(word) ? unpackBytes(word) : Buffer.from(word);
  try {
    return bytes && decodeTaskMessage(bytes, "the message");
  } catch {
    return undefined;
  }
}

/** Whether a client would make a task of this id and group. */
function isNewTask(taskId: string, group: string): boolean {
  try {
    composeTask(new Task("any"), { taskId, group: group === "" ? undefined : group }, { clock: systemClock, random: systemRandom });
    return true;
  } catch {
    return false;
  }
}

/** A whole number as asynqjs writes one. So many digits of seconds are still 64 bits of milliseconds, beyond which Redis refuses a TTL. */
function isCount(word: string | undefined, maxDigits = 13): boolean {
  return word !== undefined && word.length <= maxDigits && /^(0|[1-9]\d*)$/.test(word);
}

function named(names: readonly string[], words: readonly string[]): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(names.map((name, i) => [name, words[i]]));
}

/** Words as records of so many names each; `undefined` where some are left over. */
function chunks(words: readonly string[], names: readonly string[]): Readonly<Record<string, string>>[] | undefined {
  if (words.length % names.length !== 0) return undefined;
  return Array.from({ length: words.length / names.length }, (_, i) =>
    Object.fromEntries(names.map((name, at) => [name, words[i * names.length + at]!])),
  );
}
