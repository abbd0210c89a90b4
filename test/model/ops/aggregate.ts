import type { Reply } from "@asynqjs/core";
import { aggregate, Task } from "@asynqjs/core";
import fc from "fast-check";
import type { Actor } from "../actor.ts";
import { ask, askAll, type Call, Refusal, type Requests, type Steps, unrecorded, wrongKind } from "../call.ts";
import { layoutOf, setAt } from "../layout.ts";
import type { OperationKind } from "../operation.ts";
import { readStored, toText } from "../stored-message.ts";
import { checkGroups, readSet, replaceSet, setAside } from "../verbs/aggregation.ts";
import { publish } from "./enqueue.ts";
import { policy } from "./groups.ts";
import { optionsOf, queues, stored, type TaskArgs, taskArgs, taskText } from "./new-task.ts";
import { someQueues } from "./ticks.ts";

interface Policy {
  readonly gracePeriodSec: number;
  readonly maxDelaySec: number;
  readonly maxSize: number;
}
interface Args {
  readonly by: number;
  readonly some: readonly string[];
  readonly rule: Policy;
  readonly task: TaskArgs;
}

/** One set at a time: which of several is first served is not the model's to say. */
export const aggregateKind: OperationKind<Args> = {
  name: "aggregate",
  weight: 5,
  args: fc.record({ by: fc.nat(3), some: someQueues, rule: policy, task: taskArgs }),
  prepare({ by, some, rule, task }, { actors }) {
    const actor = actors[by]!;
    return {
      text: `${actor.name} aggregates ${some.join(", ")} by ${JSON.stringify(rule)} into ${taskText(task)}`,
      moves: ["enqueue", "replaceAggregationSet", "setMembersAside"],
      async run() {
        const given: unknown[] = [];
        const report = await aggregate(actor.broker, {
          queues: some,
          ...rule,
          concurrency: 1,
          aggregator(group, tasks) {
            given.push({ group, payloads: tasks.map(({ payload }) => payload) });
            const { type, payload, options } = optionsOf(task);
            return new Task(type, payload, options);
          },
        });
        return { report, given };
      },
      steps: () => aggregateSteps(actor, some, rule, task),
    };
  },
};

/** What the tick has counted so far. */
class Report {
  readonly counts = { sets: 0, aggregated: 0, quarantined: 0, dangling: 0, lost: 0 };
  readonly errors: { queue: string; group?: string; error: string }[] = [];
  readonly given: unknown[] = [];
}

function* aggregateSteps(actor: Actor, some: readonly string[], rule: Policy, task: TaskArgs): Steps {
  const report = new Report();
  const lines = yield* listIndexes(some, report);
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const { queue, groups } = line;
    try {
      const sets = groups.map((group) => ({ group, setId: actor.random.toldUuid() }));
      const { nowMs } = actor;
      const verdicts = answerOf<string[]>(
        yield* ask({ name: "aggregation-check", apply: (k) => checkGroups(k, queue, sets, { ...rule, maxSets: 1 }, nowMs) }),
      );
      for (const [i, verdict] of verdicts.entries())
        if (verdict === "broken") report.errors.push({ queue, group: groups[i]!, error: "WRONGTYPE" });
      const again = groups.filter((_, i) => verdicts[i] === "due" || verdicts[i] === "cut");
      if (again.length > 0) lines.push({ queue, groups: again });
      const made = sets.find((_, i) => verdicts[i] === "set" || verdicts[i] === "cut");
      if (made !== undefined) yield* aggregateOne(actor, queue, made, task, report);
    } catch (thrown) {
      report.errors.push({ queue, error: wordOf(thrown) });
    }
  }
  return { report: { ...report.counts, more: false, errors: report.errors }, given: report.given };
}

interface Line {
  readonly queue: string;
  readonly groups: readonly string[];
}

/** The queues that have groups, each with their names in the order in which Redis lists them. */
function* listIndexes(some: readonly string[], report: Report): Generator<Requests, Line[], readonly (readonly unknown[])[]> {
  const lines: Line[] = [];
  try {
    for (const [i, answer] of (yield* askAll(some.map(listIndex))).entries()) {
      const queue = some[i]!;
      if (answer instanceof Refusal) report.errors.push({ queue, error: answer.reply });
      else if ((answer as readonly string[]).length > 0) lines.push({ queue, groups: answer as readonly string[] });
    }
  } catch (thrown) {
    for (const queue of some) report.errors.push({ queue, error: wordOf(thrown) });
  }
  return lines;
}

function listIndex(queue: string): Call {
  const { groups } = layoutOf(queue);
  return {
    name: "SSCAN",
    apply(k, reply) {
      if (!k.fits("set", groups)) return wrongKind;
      const [, found] = reply as readonly [Uint8Array, readonly Reply[]];
      const listed = (found as readonly Uint8Array[]).map(toText);
      if (listed.length !== k.members(groups).size || !listed.every((name) => k.members(groups).has(name)))
        throw new Error("the list of groups is not whole");
      return unrecorded(listed);
    },
  };
}

function* aggregateOne(
  actor: Actor,
  queue: string,
  { group, setId }: { readonly group: string; readonly setId: string },
  args: TaskArgs,
  report: Report,
): Generator<Requests, void, readonly (readonly unknown[])[]> {
  const setKey = setAt(queue, group, setId);
  const { counts } = report;
  try {
    const { members } = answerOf<{ members: { id: string; msg: string | undefined }[] }>(
      yield* ask({ name: "read-aggregation-set", apply: (k) => readSet(k, queue, group, setKey) }),
    );
    const read = members.map(({ id, msg }) => ({ id, message: msg === undefined ? undefined : readStored(msg, queue, id) }));
    const unfit = read.flatMap(({ id, message }) => (typeof message === "object" ? [] : [{ id, why: message }]));
    const tasks = read.flatMap(({ message }) => (typeof message === "object" ? [message] : []));
    if (unfit.length > 0) {
      const { nowMs } = actor;
      const aside = answerOf<{ quarantined: number; dangling: number }>(
        yield* ask({ name: "set-members-aside", apply: (k) => setAside(k, queue, setKey, unfit, nowMs) }),
      );
      counts.quarantined += aside.quarantined;
      counts.dangling += aside.dangling;
    }
    if (tasks.length === 0) return;
    report.given.push({ group, payloads: tasks.map(({ payload }) => payload ?? new Uint8Array()) });
    const { nowMs } = actor;
    const one = stored({ ...args, queue: queues.indexOf(queue) }, nowMs);
    const script: Call = { name: "replace-aggregation-set", apply: (k) => replaceSet(k, queue, setKey, one, nowMs) };
    const [refused, answer] = yield* askAll([publish(queue), script]);
    const { verdict } = answerOf<{ verdict: string }>(answer);
    if (verdict !== "replaced") throw new Refusal(errors[verdict]!);
    counts.aggregated += tasks.length;
    counts.sets++;
    answerOf(refused);
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.reply === "SET_LOST") counts.lost++;
    report.errors.push({ queue, group, error: wordOf(thrown) });
  }
}

const errors: Readonly<Record<string, string>> = {
  "set-lost": "SET_LOST",
  "task-id-conflict": "TASK_ID_CONFLICT",
  "duplicate-task": "DUPLICATE_TASK",
};

/** An answer that is no refusal. @throws {Refusal} */
function answerOf<T>(answer: unknown): T {
  if (answer instanceof Refusal) throw answer;
  return answer as T;
}

/** A refusal, or a request that was lost. */
function wordOf(thrown: unknown): string {
  if (thrown instanceof Refusal) return thrown.reply;
  if (thrown === "lost") return "REDIS";
  throw thrown;
}
