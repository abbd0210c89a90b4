/** Groups and their sets, call by call, by who may have lost a set meanwhile. @module */
import {
  type AggregationSet,
  aggregationCheck,
  type CheckedGroup,
  extendAggregationSet,
  readAggregationSet,
  replaceAggregationSet,
  setMembersAside,
} from "@asynqjs/core";
import fc from "fast-check";
import type { Actor } from "../actor.ts";
import { ask, askAll, errorOf, Refusal, type Steps, Thrown } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { secOf, setAt, taskAt } from "../layout.ts";
import type { Operation, OperationKind } from "../operation.ts";
import { checkGroups, extendSet, readSet, replaceSet, setAside } from "../verbs/aggregation.ts";
import { publish } from "./enqueue.ts";
import { leaveSet } from "./faults.ts";
import { composed, groups, ids, queues, stored, type TaskArgs, taskArgs, taskText } from "./new-task.ts";

const someGroups: fc.Arbitrary<readonly string[]> = fc.constantFrom([groups[0]], [groups[1]], [...groups], [...groups].reverse());
export const policy = fc.record({
  gracePeriodSec: fc.constantFrom(1, 20, 60),
  maxDelaySec: fc.constantFrom(0, 0, 30),
  maxSize: fc.constantFrom(0, 0, 1, 2),
});

interface CheckArgs {
  readonly by: number;
  readonly queue: number;
  readonly some: readonly string[];
  readonly rule: { readonly gracePeriodSec: number; readonly maxDelaySec: number; readonly maxSize: number };
  readonly maxSets: number;
}

export const checkKind: OperationKind<CheckArgs> = {
  name: "aggregation-check",
  weight: 6,
  args: fc.record({ by: fc.nat(3), queue: fc.nat(1), some: someGroups, rule: policy, maxSets: fc.integer({ min: 1, max: 2 }) }),
  prepare({ by, queue: nth, some, rule, maxSets }, { actors }) {
    const actor = actors[by]!;
    const queue = queues[nth]!;
    return {
      text: `${actor.name} checks the groups ${some.join(", ")} of ${queue} by ${JSON.stringify({ ...rule, maxSets })}`,
      moves: [],
      run: () => aggregationCheck(actor.broker, queue, some, { ...rule, maxSets }),
      *steps(): Steps {
        const sets = some.map((group) => ({ group, setId: actor.random.toldUuid() }));
        const { nowMs } = actor;
        const answer = yield* ask({
          name: "aggregation-check",
          apply: (k) => checkGroups(k, queue, sets, { ...rule, maxSets }, nowMs),
        });
        if (answer instanceof Refusal) return new Thrown(answer.reply);
        return (answer as string[]).map((verdict, i) => ({
          group: some[i],
          verdict,
          set: verdict === "set" || verdict === "cut" ? { queue, ...sets[i] } : undefined,
        }));
      },
      keep: (checked: CheckedGroup[]) => actor.holdSets(checked.flatMap(({ set }) => set ?? [])),
    };
  },
};

interface SetArgs {
  readonly by: number;
  readonly at: number;
  readonly what: number;
  readonly picks: readonly number[];
  readonly task: TaskArgs;
}

export const setKind: OperationKind<SetArgs> = {
  name: "aggregation-set",
  weight: 7,
  args: fc.record({
    by: fc.nat(3),
    at: fc.constantFrom(0, 0, 0, 1, 2, 3),
    what: fc.constantFrom(0, 1, 2, 2, 3),
    picks: fc.array(fc.nat(9), { maxLength: 3 }),
    task: taskArgs,
  }),
  prepare({ by, at, what, picks, task }, { actors, keyspace }) {
    const actor = [0, 1, 2, 3].map((further) => actors[(by + further) % 4]!).find(({ sets }) => sets.length > 0);
    if (actor === undefined) return undefined;
    const set = actor.sets.at(-1 - (at % actor.sets.length))!;
    const about = `the set ${set.setId.slice(0, 8)} of ${set.queue}/${set.group}`;
    if (what === 0) return readIt(actor, set, about);
    if (what === 1) return extendIt(actor, set, about, picks.length * 70);
    if (what === 2) return setAsideOfIt(actor, set, about, picks, keyspace);
    return replaceIt(actor, set, about, { ...task, queue: queues.indexOf(set.queue) });
  },
};

/** A member is read, and is elsewhere when it is set aside for what was read. */
export const lateAsideKind: OperationKind<{ by: number; nth: number }> = {
  name: "late-set-aside",
  weight: 3,
  args: fc.record({ by: fc.nat(3), nth: fc.nat(10) }),
  prepare({ by, nth }, history) {
    for (const further of [0, 1, 2, 3]) {
      const actor = history.actors[(by + further) % 4]!;
      for (const set of actor.sets) {
        const commands = leaveSet(history.keyspace, set.queue, keyOfSet(set), nth);
        if (commands.length === 0) continue;
        const unfit = history.keyspace.ranked(keyOfSet(set)).map(([id]) => ({ id, why: "unreadable" }));
        const operation = asideOperation(actor, set, `a set of ${set.queue}/${set.group}, one of them being elsewhere by now,`, unfit);
        return { ...operation, run: () => history.behindBack(commands).then(operation.run) };
      }
    }
    return undefined;
  },
};

type Prepared = ReturnType<OperationKind<SetArgs>["prepare"]>;

function keyOfSet({ queue, group, setId }: AggregationSet): string {
  return setAt(queue, group, setId);
}

function readIt({ name, broker }: Actor, set: AggregationSet, about: string): Prepared {
  return {
    text: `${name} reads ${about}`,
    moves: [],
    run: () => readAggregationSet(broker, set),
    *steps(): Steps {
      const answer = yield* ask({ name: "read-aggregation-set", apply: (k) => readSet(k, set.queue, set.group, keyOfSet(set)) });
      return answer instanceof Refusal ? new Thrown(answer.reply) : answer;
    },
  };
}

function extendIt({ name, broker, nowMs }: Actor, set: AggregationSet, about: string, bySec: number): Prepared {
  const untilSec = secOf(nowMs) + bySec;
  return {
    text: `${name} extends ${about} by ${bySec} s`,
    moves: [],
    run: () => extendAggregationSet(broker, set, untilSec),
    *steps(): Steps {
      const answer = yield* ask({ name: "extend-aggregation-set", apply: (k) => extendSet(k, set.queue, keyOfSet(set), untilSec) });
      return answer instanceof Refusal ? new Thrown(answer.reply) : answer;
    },
  };
}

function setAsideOfIt(actor: Actor, set: AggregationSet, about: string, picks: readonly number[], keyspace: Keyspace): Prepared {
  // Without a reason go ids of which there is no task here; with one, those too of which there was one when the set was read.
  const members = keyspace.ranked(keyOfSet(set));
  const unfit = picks.map((pick) => {
    const id = (pick < 5 ? undefined : members[pick % members.length]?.[0]) ?? ids[pick % 5]!;
    const isGone = keyspace.field(taskAt(set.queue, id), "state") !== "aggregating";
    return { id, why: isGone && pick < 5 ? undefined : "unreadable" };
  });
  return unfit.length === 0 ? undefined : asideOperation(actor, set, about, unfit);
}

interface Unfit {
  readonly id: string;
  readonly why: string | undefined;
}

function asideOperation(actor: Actor, set: AggregationSet, about: string, unfit: readonly Unfit[]): Operation {
  return {
    text: `${actor.name} sets ${unfit.map(({ id, why }) => (why ? id : `${id} (gone)`)).join(", ")} of ${about} aside`,
    moves: ["setMembersAside"],
    run: () => setMembersAside(actor.broker, set, unfit),
    *steps(): Steps {
      const { nowMs } = actor;
      const answer = yield* ask({ name: "set-members-aside", apply: (k) => setAside(k, set.queue, keyOfSet(set), unfit, nowMs) });
      return answer instanceof Refusal ? new Thrown(answer.reply) : answer;
    },
  };
}

function replaceIt(actor: Actor, set: AggregationSet, about: string, task: TaskArgs): Prepared {
  return {
    text: `${actor.name} replaces ${about} by ${taskText(task)}`,
    moves: ["enqueue", "replaceAggregationSet"],
    run: () => replaceAggregationSet(actor.broker, set, composed(task, actor)),
    *steps(): Steps {
      const { nowMs } = actor;
      const one = stored(task, nowMs);
      const [refused, answer] = yield* askAll([
        publish(set.queue),
        { name: "replace-aggregation-set", apply: (k) => replaceSet(k, set.queue, keyOfSet(set), one, nowMs) },
      ]);
      return errorOf(answer) ?? { value: answer, beforeError: errorOf(refused)?.error };
    },
  };
}
