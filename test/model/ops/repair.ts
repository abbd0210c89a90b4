import type { Reply } from "@asynqjs/core";
import { repair } from "@asynqjs/core";
import fc from "fast-check";
import type { Actor } from "../actor.ts";
import { ask, askAll, type Call, Refusal, type Requests, type Steps, unrecorded, wrongKind } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { readKey, secOf } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { toText } from "../stored-message.ts";
import { repairContainers, repairSingleKeys } from "../verbs/repair.ts";
import { publish } from "./enqueue.ts";
import { errorsOf, someQueues } from "./ticks.ts";

const cursorKey = "asynq:js:sweep";
const foundKey = "asynq:js:sweep:found";

export const repairKind: OperationKind<{ by: number; some: readonly string[]; sweep: boolean }> = {
  name: "repair",
  weight: 5,
  args: fc.record({ by: fc.nat(3), some: someQueues, sweep: fc.boolean() }),
  prepare({ by, some, sweep }, { actors }) {
    const actor = actors[by]!;
    return {
      text: `${actor.name} repairs ${some.join(", ")}${sweep ? " and sweeps" : ""}`,
      moves: ["repairKeys"],
      mends: true,
      run: () => repair(actor.broker, { queues: some, sweep }),
      steps: () => repairSteps(actor, some, sweep),
    };
  },
};

interface Counts {
  leased: number;
  dangling: number;
  strays: number;
  restated: number;
  published: number;
  requeued: number;
  regrouped: number;
  reactivated: number;
  removed: number;
  unlocked: number;
  indexed: number;
}

function* repairSteps(actor: Actor, some: readonly string[], sweep: boolean): Steps {
  const { nowMs } = actor;
  const counts: Counts = {
    leased: 0,
    dangling: 0,
    strays: 0,
    restated: 0,
    published: 0,
    requeued: 0,
    regrouped: 0,
    reactivated: 0,
    removed: 0,
    unlocked: 0,
    indexed: 0,
  };
  const steps = (yield* askAll(
    some.map((queue): Call => ({ name: "repair-queue", apply: (k) => repairContainers(k, queue, nowMs) })),
  )) as readonly (Counts & { inUse: boolean })[];
  for (const step of steps)
    for (const name of ["leased", "reactivated", "dangling", "strays", "restated"] as const) counts[name] += step[name];
  const inUse = some.filter((_, i) => steps[i]!.inUse);
  const published = inUse.length === 0 ? 0 : yield* ask(publish(...inUse));
  counts.published += published instanceof Refusal ? 0 : Number(published);
  const errors = sweep ? yield* sweepSteps(nowMs, counts) : [];
  return { ...counts, more: false, errors };
}

/** The keyspace is so small that a sweep is one step; in which order Redis lists the keys is its own. */
function* sweepSteps(
  nowMs: number,
  counts: Counts,
): Generator<Requests, { queue: string; error: string }[], readonly (readonly unknown[])[]> {
  const errors: { queue: string; error: string }[] = [];
  yield* ask(plainRead("HGET"));
  const listed = (yield* ask({ name: "list-keys", apply: (k, reply) => unrecorded(keysOf(k, reply)) })) as readonly string[];
  const keys = [...new Set(listed)].flatMap((key) => {
    const read = readKey(key);
    return read !== undefined && /^(t|g|unique):/.test(read.rest) ? [{ key, ...read }] : [];
  });
  if (keys.length > 0) {
    const scores = (yield* ask({
      name: "ZMSCORE",
      apply: (k) => (k.fits("zset", foundKey) ? unrecorded(keys.map(({ key }) => k.score(foundKey, key))) : wrongKind),
    })) as (number | undefined)[];
    const found = keys.map((key, i) => ({ ...key, foundAtSec: scores[i], ripe: secOf(nowMs) - (scores[i] ?? Number.NaN) >= 60 }));
    for (const queue of new Set(found.map((one) => one.queue))) {
      const ofQueue = found.filter((one) => one.queue === queue);
      for (let at = 0; at < ofQueue.length; at += 100) {
        const some = ofQueue.slice(at, at + 100);
        const answer = yield* ask({ name: "repair-keys", apply: (k) => repairSingleKeys(k, queue, some, nowMs) });
        errors.push(...errorsOf(queue, answer));
        if (answer instanceof Refusal) continue;
        const verdicts = answer as string[];
        yield* askAll(keepFinds(some, verdicts, secOf(nowMs)));
        for (const verdict of verdicts) if (verdict in counts) counts[verdict as keyof Counts]++;
      }
    }
  }
  yield* ask({
    name: "HDEL",
    apply(k) {
      k.dropFields(cursorKey, "*");
      return unrecorded(undefined);
    },
  });
  return errors;
}

/** What was unsound for the first time is kept with its second, what is no more is forgotten. */
function keepFinds(keys: readonly { key: string; foundAtSec: number | undefined }[], verdicts: readonly string[], nowSec: number): Call[] {
  const fresh = keys.filter(({ foundAtSec }, i) => verdicts[i] === "unsound" && foundAtSec === undefined);
  const over = keys.filter(({ foundAtSec }, i) => verdicts[i] !== "unsound" && foundAtSec !== undefined);
  const change = (name: string, make: (k: Keyspace) => void): Call => ({
    name,
    apply(k) {
      make(k);
      return unrecorded(undefined);
    },
  });
  const calls: Call[] = [];
  if (over.length > 0)
    calls.push(
      change("ZREM", (k) => {
        for (const { key } of over) k.removeScore(foundKey, key);
      }),
    );
  if (fresh.length > 0) {
    calls.push(
      change("ZADD", (k) => {
        for (const { key } of fresh) k.setScore(foundKey, key, nowSec);
      }),
      change("ZREMRANGEBYSCORE", (k) => {
        for (const [key, score] of k.ranked(foundKey)) if (score <= nowSec - 30 * 24 * 3600) k.removeScore(foundKey, key);
      }),
      change("ZREMRANGEBYRANK", () => {}),
    );
  }
  return calls;
}

function plainRead(name: string): Call {
  return { name, apply: () => unrecorded(undefined) };
}

/** The keys that Redis listed: all there are, in its order. */
function keysOf(k: Keyspace, reply: Reply): readonly string[] {
  const [, keys] = reply as readonly [Uint8Array, readonly Uint8Array[]];
  const listed = keys.map(toText).filter((key) => !key.includes(":js:call:"));
  const there = k.keys().filter((key) => key.startsWith("asynq:{"));
  if (new Set(listed).size !== there.length || !listed.every((key) => k.has(key))) throw new Error("the list of keys is not whole");
  return listed;
}
