/** What a worker does: takes tasks, keeps them, writes what became of them; with those it lost too. @module */
import {
  type DequeuedTask,
  dequeue,
  extendLeases,
  type Fence,
  type SettledAndDequeued,
  settle,
  settleAndDequeue,
  type TaskOutcome,
  writeLog,
  writeResult,
} from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import fc from "fast-check";
import type { Actor } from "../actor.ts";
import { ask, askAll, type Call, errorOf, Refusal, recorded, type Steps, Thrown } from "../call.ts";
import type { History } from "../history.ts";
import { secOf } from "../layout.ts";
import type { Operation, OperationKind } from "../operation.ts";
import { changeStored, readStored, toBytes, toText } from "../stored-message.ts";
import { dequeuedAgain, dequeueTasks } from "../verbs/dequeue.ts";
import { appendLog, extendTaskLeases, writeHeldField } from "../verbs/held-tasks.ts";
import { type Settled, type StoredOutcome, settleTasks } from "../verbs/settle.ts";
import { queues } from "./new-task.ts";

const orders: readonly (readonly string[])[] = [[queues[0]], [queues[1]], queues, [queues[1], queues[0]]];

export const dequeueKind: OperationKind<{ by: number; order: number; limit: number; suspect: boolean }> = {
  name: "dequeue",
  weight: 14,
  args: fc.record({ by: fc.nat(2), order: fc.nat(3), limit: fc.integer({ min: 1, max: 4 }), suspect: fc.boolean() }),
  prepare({ by, order, limit, suspect }, { actors }) {
    const actor = actors[by]!;
    const some = orders[order]!;
    return {
      text: `${actor.name} dequeues ${limit} of ${some.join(", ")}${suspect ? "" : ", no suspect"}`,
      moves: ["dequeue"],
      run: () => dequeue(actor.broker, some, limit, { suspect }),
      *steps(): Steps {
        return yield* ask(dequeueCall(actor, some, limit, suspect));
      },
      keep: ({ tasks }: { tasks: DequeuedTask[] }) => actor.hold(tasks),
    };
  },
};

/** A call that is answered otherwise when it is repeated. */
type RepeatedCall = Call & { readonly again: NonNullable<Call["again"]> };

function dequeueCall(actor: Actor, some: readonly string[], limit: number, suspect: boolean): RepeatedCall {
  const token = 1 + Math.floor(actor.random.told() * (2 ** 20 - 1));
  const turn = Math.floor(actor.random.told() * 5);
  const call = { queues: some, limit, suspect, token, turn, nowMs: actor.nowMs };
  return { name: "dequeue", apply: (k) => dequeueTasks(k, call), again: (k, first) => dequeuedAgain(k, some, first) };
}

/** That worker, or the next that took anything. */
function holder(actors: readonly Actor[], by: number): Actor | undefined {
  return [0, 1, 2].map((further) => actors[(by + further) % 3]!).find(({ held }) => held.length > 0);
}

function heldBy({ held }: Actor, at: number): DequeuedTask {
  return held.at(-1 - (at % held.length))!;
}

interface Pick {
  readonly at: number;
  readonly to: number;
  readonly inSec: number;
  /** Its own token, another, or the score that a look at expired leases found. */
  readonly fence: "token" | "wrong" | "expired";
}

/** Counted from the one that was taken last: often one of the last. */
const heldAt: fc.Arbitrary<number> = fc.constantFrom(0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7);

const pick: fc.Arbitrary<Pick> = fc.record({
  at: heldAt,
  to: fc.nat(9),
  inSec: fc.constantFrom(0, 3, 40),
  fence: fc.constantFrom("token", "token", "token", "token", "token", "token", "wrong", "expired"),
});
const ways: readonly TaskOutcome["to"][] = [
  "done",
  "retry",
  "completed",
  "archived",
  "requeued",
  "recovered",
  "handed-back",
  "quarantined",
  "retry",
  "done",
];

export const settleKind: OperationKind<{ by: number; picks: Pick[] }> = {
  name: "settle",
  weight: 20,
  args: fc.record({ by: fc.nat(2), picks: fc.array(pick, { minLength: 1, maxLength: 4 }) }),
  prepare({ by, picks }, { actors, expired }) {
    const actor = holder(actors, by);
    return actor && settleOperation(actor, picks, expired);
  },
};

export const settleAndDequeueKind: OperationKind<{ by: number; picks: Pick[]; order: number; limit: number; suspect: boolean }> = {
  name: "settle-and-dequeue",
  weight: 10,
  args: fc.record({
    by: fc.nat(2),
    picks: fc.array(pick, { minLength: 1, maxLength: 4 }),
    order: fc.nat(3),
    limit: fc.integer({ min: 1, max: 4 }),
    suspect: fc.boolean(),
  }),
  prepare({ by, picks, order, limit, suspect }, { actors }) {
    const actor = holder(actors, by);
    if (actor === undefined) return undefined;
    // Who takes back leases that ended fetches nothing.
    const items = picks.map(({ fence, ...one }) => outcomeOf(actor, { ...one, fence: fence === "expired" ? "token" : fence }, []));
    const outcomes = items.map(({ real }) => real);
    const some = orders[order]!;
    return {
      text: `${actor.name} settles ${items.map(({ text }) => text).join(", ")} and dequeues ${limit} of ${some.join(", ")}${suspect ? "" : ", no suspect"}`,
      moves: ["settle", "dequeue"],
      run: () => settleAndDequeue(actor.broker, outcomes, { queues: some, limit, suspect }),
      *steps(): Steps {
        const { calls, read } = settleCalls(actor, items);
        const fetching = dequeueCall(actor, some, limit, suspect);
        if (calls.length === 1 && some.length === 1 && items[0]!.queue === some[0]) {
          const answer = yield* ask(bothOf(calls[0]!, fetching));
          // A container of the wrong kind refuses both: then each goes by itself.
          if (!(answer instanceof Refusal)) {
            const { settled, dequeued } = answer as Both;
            return { settled: read([settled]), dequeued };
          }
        }
        const answers = [...(yield* askAll([...calls, fetching]))];
        const dequeued = answers.pop();
        return { settled: read(answers), dequeued: errorOf(dequeued)?.error ?? dequeued };
      },
      keep({ dequeued }: SettledAndDequeued) {
        if (!(dequeued instanceof Error)) actor.hold([...dequeued.tasks]);
      },
    };
  },
};

interface Both {
  readonly settled: Settled;
  readonly dequeued: unknown;
}

/** One call for the two: refused as a settle is, and answered again as each of them is. */
function bothOf(settling: Call, fetching: RepeatedCall): Call {
  return {
    name: "settle-and-dequeue",
    apply(k, reply) {
      const settled = settling.apply(k, reply);
      if (settled.value instanceof Refusal) return settled;
      return recorded({ settled: settled.value, dequeued: fetching.apply(k, reply).value });
    },
    again(k, first) {
      const { settled, dequeued } = first as Both;
      const { value, reply } = fetching.again(k, dequeued);
      const [head, ...tasks] = reply as readonly Uint8Array[];
      const letters = settled.verdicts.map((verdict) => verdict[0]).join("");
      return { value: { settled, dequeued: value }, reply: [toBytes(`${letters},${settled.trimmed};${toText(head!)}`), ...tasks] };
    },
  };
}

/** Everything that the actor holds is done, or set aside where it cannot be read; nothing where it holds nothing. */
export function settleAll(actor: Actor): Operation | undefined {
  const picks = actor.held.map((_, at): Pick => {
    const { queue, id, msg } = heldBy(actor, at);
    const to = typeof readStored(toText(msg), queue, id) === "string" ? "quarantined" : "done";
    return { at, to: ways.indexOf(to), inSec: 0, fence: "token" };
  });
  return picks.length === 0 ? undefined : settleOperation(actor, picks);
}

function settleOperation(actor: Actor, picks: readonly Pick[], expired: History["expired"] = []): Operation {
  const items = picks.map((one) => outcomeOf(actor, one, expired));
  return {
    text: `${actor.name} settles ${items.map(({ text }) => text).join(", ")}`,
    moves: ["settle"],
    run: () =>
      settle(
        actor.broker,
        items.map(({ real }) => real),
        { cutoffSec: secOf(actor.nowMs) - 1 },
      ),
    steps: () => settleSteps(actor, items),
  };
}

interface Item {
  readonly real: TaskOutcome;
  readonly model: StoredOutcome;
  readonly queue: string;
  readonly text: string;
}

function outcomeOf(actor: Actor, { at, to: way, inSec, fence: by }: Pick, expired: History["expired"]): Item {
  const lost = by === "expired" ? expired.at(-1 - (at % expired.length)) : undefined;
  const { queue, id, msg } = lost ?? heldBy(actor, at);
  const message = readStored(toText(msg), queue, id);
  // What cannot be read cannot be written either: it is set aside, or goes without being rewritten.
  const wanted = ways[way]!;
  const isFailure = inSec !== 3;
  const isSpent = typeof message === "object" && wanted === "retry" && isFailure && message.retried >= message.retry;
  const to = typeof message === "string" && !["done", "requeued"].includes(wanted) ? "quarantined" : isSpent ? "archived" : wanted;
  const { token } = heldBy(actor, at);
  const fence: Fence = lost === undefined ? { token: by === "wrong" ? (token % (2 ** 20 - 1)) + 1 : token } : { expiredScore: lost.score };
  const nowSec = secOf(actor.nowMs);
  const atSec = nowSec + inSec;
  const base = { queue, id, fence };
  const lock = typeof message === "string" ? undefined : message.uniqueKey;
  const failed = { errorMsg: `no ${inSec}`, lastFailedAtSec: nowSec };
  const changed = (changes: Parameters<typeof changeStored>[1]) => ({
    real: patchTaskMessage(msg, changes),
    model: changeStored(toText(msg), changes),
  });
  const text = `${queue}/${id} ${to}${by === "wrong" ? " by a wrong token" : lost === undefined ? "" : " as lost"}`;
  const fenced = "token" in fence ? fence : { score: Number(fence.expiredScore) };
  const item = (real: TaskOutcome, model: Partial<StoredOutcome> = {}): Item => ({
    real,
    model: { id, fence: fenced, to, ...model },
    queue,
    text,
  });
  switch (to) {
    case "done":
      return item({ ...base, to, uniqueKey: lock }, { lock });
    case "completed": {
      const bytes = changed({ completedAtSec: nowSec });
      return item({ ...base, to, msg: bytes.real, expireAtSec: atSec, uniqueKey: lock }, { msg: bytes.model, atSec, lock });
    }
    case "retry": {
      const { retried } = message as { retried: number };
      const bytes = changed(isFailure ? { ...failed, retried: retried + 1 } : failed);
      return item({ ...base, to, msg: bytes.real, retryAtSec: atSec, isFailure }, { msg: bytes.model, atSec, isFailure });
    }
    case "recovered": {
      const bytes = changed({ errorMsg: "asynq: task lease expired", lastFailedAtSec: nowSec });
      const recovered = `${1 + (inSec % 2)}@${(message as { retried: number }).retried}`;
      return item({ ...base, to, msg: bytes.real, retryAtSec: atSec, recovered }, { msg: bytes.model, atSec, note: recovered });
    }
    case "handed-back": {
      const bytes = changed({ errorMsg: "handler not found" });
      return item({ ...base, to, msg: bytes.real, dueAtSec: atSec, handedBack: inSec }, { msg: bytes.model, atSec, note: `${inSec}` });
    }
    case "archived": {
      const bytes = changed(failed);
      return item({ ...base, to, msg: bytes.real }, { msg: bytes.model });
    }
    case "requeued":
      return item({ ...base, to });
    case "quarantined":
      return item({ ...base, to, why: "unreadable" }, { note: "unreadable" });
  }
}

function* settleSteps(actor: Actor, items: readonly Item[]): Steps {
  const { calls, read } = settleCalls(actor, items);
  return read(yield* askAll(calls));
}

/** A call for each queue, and what their answers say of the items. */
function settleCalls(
  actor: Actor,
  items: readonly Item[],
): { readonly calls: Call[]; readonly read: (answers: readonly unknown[]) => object } {
  const { nowMs, kept: limits } = actor;
  const parts = [...new Set(items.map(({ queue }) => queue))].map((queue) => ({
    queue,
    places: [...items.keys()].filter((i) => items[i]!.queue === queue),
  }));
  const calls = parts.map(({ queue, places }): Call => {
    const outcomes = places.map((i) => items[i]!.model);
    return { name: "settle", apply: (k) => settleTasks(k, { queue, outcomes, nowMs, cutoffSec: secOf(nowMs) - 1, limits }) };
  });
  const read = (answers: readonly unknown[]): object => {
    const results: unknown[] = [];
    let trimmed = 0;
    for (const [i, { places }] of parts.entries()) {
      const answer = answers[i] as Settled | Refusal;
      if (!(answer instanceof Refusal)) trimmed += answer.trimmed;
      for (const [nth, at] of places.entries()) results[at] = errorOf(answer) ?? { verdict: (answer as Settled).verdicts[nth] };
    }
    return { results, trimmed };
  };
  return { calls, read };
}

export const extendKind: OperationKind<{ by: number; picks: number[]; sec: number }> = {
  name: "extend",
  weight: 6,
  args: fc.record({ by: fc.nat(2), picks: fc.array(heldAt, { minLength: 1, maxLength: 3 }), sec: fc.constantFrom(30, 30, 5, 300) }),
  prepare({ by, picks, sec }, { actors }) {
    const actor = holder(actors, by);
    if (actor === undefined) return undefined;
    const some = picks.map((at) => heldBy(actor, at));
    const untilSec = secOf(actor.nowMs) + sec;
    return {
      text: `${actor.name} extends ${some.map(({ queue, id }) => `${queue}/${id}`).join(", ")} by ${sec} s`,
      moves: [],
      run: () => extendLeases(actor.broker, some, untilSec),
      *steps(): Steps {
        const ofQueues = [...new Set(some.map(({ queue }) => queue))];
        const calls = ofQueues.map((queue): Call => {
          const held = some.filter((task) => task.queue === queue);
          return { name: "extend-leases", apply: (k) => extendTaskLeases(k, queue, held, untilSec) };
        });
        const answers = (yield* askAll(calls)).map((answer) => (answer instanceof Refusal ? answer : [...(answer as string[])]));
        return some.map(({ queue }) => {
          const answer = answers[ofQueues.indexOf(queue)]!;
          return answer instanceof Refusal ? errorOf(answer) : { verdict: answer.shift() };
        });
      },
    };
  },
};

export const writeKind: OperationKind<{ by: number; at: number; what: number }> = {
  name: "write",
  weight: 4,
  args: fc.record({ by: fc.nat(2), at: heldAt, what: fc.nat(3) }),
  prepare({ by, at, what }, { actors }) {
    const actor = holder(actors, by);
    if (actor === undefined) return undefined;
    const task = heldBy(actor, at);
    const isLog = what % 2 === 0;
    const result = String.fromCharCode(0xfe, what);
    const lines = Array.from({ length: 1 + what }, (_, i) => ({ message: `line "${i}"`, atMs: actor.nowMs }));
    const entries = lines.map(({ message, atMs }) => JSON.stringify({ msg: message, ts: new Date(atMs).toISOString() }));
    return {
      text: `${actor.name} writes the ${isLog ? "log" : "result"} of ${task.queue}/${task.id}`,
      moves: [],
      run: () => (isLog ? writeLog(actor.broker, task, lines) : writeResult(actor.broker, task, toBytes(result))),
      *steps(): Steps {
        const answer = yield* ask(
          isLog
            ? { name: "write-log", apply: (k) => writeHeldField(k, task, "logs", (before) => appendLog(before, entries)) }
            : { name: "write-result", apply: (k) => writeHeldField(k, task, "result", () => result) },
        );
        if (answer instanceof Refusal) return new Thrown(answer.reply);
        if (answer === "lease-lost") return new Thrown("LEASE_LOST");
        return isLog ? undefined : result.length;
      },
    };
  },
};
