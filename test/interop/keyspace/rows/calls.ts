/** What our clients' and servers' calls leave besides the tasks. */
import { shortText } from "@asynqjs/core";
import { even, isLockLeft, onlyOurs, placeOf } from "../difference-parts.ts";
import type { Difference } from "../differences.ts";
import type { Comparison, Exception } from "../exceptions.ts";
import { pairsOf, textOf } from "../snapshot.ts";

export const ofCalls: readonly Exception[] = [
  {
    row: "Lease token",
    allows(difference, { slackSec }) {
      const [go, ours] = [Number(difference.go), Number(difference.ours)];
      const token = (ours % 1) * 2 ** 20;
      const isLease = placeOf(difference).rest === "lease" && difference.part === "score";
      return isLease && Number.isInteger(go) && Math.abs(go - Math.floor(ours)) <= slackSec && Number.isInteger(token) && token >= 1;
    },
  },
  { row: "Call record", allows: (difference, at) => isCallRecord(difference, at) && !placeOf(difference).queue.startsWith("asynq:sema:") },
  { row: "Semaphores", allows: (difference, at) => isCallRecord(difference, at) && placeOf(difference).queue.startsWith("asynq:sema:") },
  {
    row: "Cancelations that are not missed",
    allows: (difference, { nowSec, slackSec }) =>
      difference.key === "asynq:js:cancel" &&
      onlyOurs(difference) &&
      /^[^\n]*\n[^\n]+(\n\d+)?$/.test(difference.name!) &&
      Math.floor(Number(difference.ours)) <= nowSec + 60 + slackSec,
  },
  {
    row: "Bounded log",
    allows(difference) {
      if (difference.part !== "field" || difference.name !== "logs" || !onlyOurs(difference)) return false;
      const lines = JSON.parse(Buffer.from(difference.ours!, "latin1").toString()) as readonly object[];
      return lines.length <= 1_000 && lines.every((line) => Object.keys(line).join() === "msg,ts");
    },
  },
  {
    row: "Payload of a running task",
    allows: ({ key, part, field, go, ours }) => /^asynq:workers:\{/.test(key) && part === "message" && field === 6 && isBeginning(go, ours),
  },
  {
    row: "Servers that run nothing",
    // No history runs nothing for so long that its beats are far apart: that is `servers.interop.ts`.
    allows: ({ key, part, name, ours }) =>
      key === "asynq:workers" && part === "member" && name!.startsWith("asynq:workers:{") && ours === undefined,
  },
  {
    row: "Refused tasks",
    // Go took the lock in the name of the task that has the id, and then found that out.
    allows(difference, at) {
      const { queue, id } = placeOf(difference);
      const wasFree = textOf(at.before.go, difference.key) === undefined;
      return at.move?.move === "enqueue" && isLockLeft(difference) && wasFree && isNamed(at, queue, id) && even(difference, at);
    },
  },
  {
    row: "Texts of errors",
    allows: ({ part, field, go, ours }) => part === "message" && field === 7 && ours !== undefined && isShortened(go ?? "", ours),
  },
  {
    row: "Queue names",
    allows(difference, { go }) {
      const { key, name } = difference;
      const isUsed = Object.keys(go.keys).some((used) => used.startsWith(`asynq:{${name}}:`));
      return key === "asynq:queues" && onlyOurs(difference) && isUsed && [["SADD", key, name!]];
    },
  },
  { row: "A key that is never there", neverStored: /:js:absent$/ },
];

function isCallRecord(difference: Difference, at: Comparison): boolean {
  const isRecord = /^js:call:[0-9a-f]{32}:\d+$/.test(placeOf(difference).rest) && difference.part === "string" && onlyOurs(difference);
  return isRecord && (at.ours.expiresAtMs[difference.key] ?? Number.POSITIVE_INFINITY) <= Date.now() + 301_000;
}

/** Some task of that id is in the queue. */
function isNamed({ go }: Comparison, queue: string, id: string): boolean {
  return pairsOf(go, `asynq:{${queue}}:t:${id}`).state !== undefined;
}

/** The first 4 KiB, to a character's edge. */
function isBeginning(go = "", ours = ""): boolean {
  return go.length > 4_096 && ours.length <= 4_096 && ours.length > 4_096 - 4 && go.startsWith(ours);
}

/** Without NUL and not too long; and never without a text. */
function isShortened(go: string, ours: string): boolean {
  const [whole, stored] = [go, ours].map((text) => Buffer.from(text, "latin1").toString()) as [string, string];
  return stored === (shortText(whole, 4_096) || "Error");
}
