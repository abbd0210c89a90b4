/** What is kept beside tasks: semaphores, cancelations, what servers and schedulers tell of themselves. @module */
import {
  acquireToken,
  cancelProcessing,
  clearSchedulerEntries,
  clearSchedulerHistory,
  clearServerState,
  listCancelIntents,
  listSchedulerEnqueueEvents,
  listSchedulerEntries,
  recordSchedulerEnqueueEvent,
  releaseToken,
  writeSchedulerEntries,
  writeServerState,
} from "@asynqjs/core";
import fc from "fast-check";
import { askAll, type Call, Refusal, recorded, type Steps, Thrown, unrecorded } from "../call.ts";
import type { Keyspace } from "../keyspace.ts";
import { secOf } from "../layout.ts";
import type { Operation, OperationKind } from "../operation.ts";
import { toBytes, toText } from "../stored-message.ts";
import { ids, queues } from "./new-task.ts";

/** A plain command that changes something and whose answer nobody reads. */
const change = (name: string, make: (k: Keyspace) => void): Call => ({
  name,
  apply(k) {
    make(k);
    return unrecorded(undefined);
  },
});

/** Drops the members of a sorted set that ended before a second. */
function dropBefore(k: Keyspace, key: string, sec: number): void {
  for (const [member, score] of k.ranked(key)) if (score < sec) k.removeScore(key, member);
}

/** An operation that answers nothing. */
function silent(calls: () => readonly Call[]): () => Steps {
  return function* (): Steps {
    for (const answer of yield* askAll(calls())) if (answer instanceof Refusal) return new Thrown(answer.reply);
    return undefined;
  };
}

export const semaphoreKind: OperationKind<{ by: number; id: number; take: boolean; max: number; sec: number }> = {
  name: "semaphore",
  weight: 2,
  args: fc.record({
    by: fc.nat(3),
    id: fc.nat(4),
    take: fc.boolean(),
    max: fc.integer({ min: 1, max: 2 }),
    sec: fc.constantFrom(0, 10, 200),
  }),
  prepare({ by, id: nth, take, max, sec }, { actors }) {
    const { broker, name, nowMs } = actors[by]!;
    const taskId = ids[nth]!;
    const key = "asynq:sema:s";
    const nowSec = secOf(nowMs);
    const untilMs = nowMs + sec * 1000;
    return {
      text: `${name} ${take ? `takes one of ${max} tokens for` : "gives back the token of"} ${taskId}`,
      moves: [],
      run: () =>
        take ? acquireToken(broker, { scope: "s", taskId, maxTokens: max, untilMs }) : releaseToken(broker, { scope: "s", taskId }),
      *steps(): Steps {
        const acquire = (k: Keyspace): boolean => {
          dropBefore(k, key, nowSec);
          if (k.score(key, taskId) === undefined && k.ranked(key).length >= max) return false;
          k.setScore(key, taskId, secOf(untilMs));
          return true;
        };
        const [answer] = yield* askAll([
          take
            ? { name: "acquire-token", apply: (k) => recorded(acquire(k)) }
            : { name: "release-token", apply: (k) => recorded(k.removeScore(key, taskId)) },
        ]);
        return answer;
      },
    };
  },
};

const intents = "asynq:js:cancel";

export const cancelKind: OperationKind<{ by: number; queue: number; id: number; what: number }> = {
  name: "cancel",
  weight: 2,
  args: fc.record({ by: fc.nat(3), queue: fc.nat(1), id: fc.nat(4), what: fc.nat(3) }),
  prepare({ by, queue: nth, id: nthId, what }, { actors }) {
    const { broker, name, nowMs } = actors[by]!;
    const id = ids[nthId]!;
    const queue = queues[nth]!;
    const nowSec = secOf(nowMs);
    if (what === 0)
      return {
        text: `${name} lists cancelations`,
        moves: [],
        run: () => listCancelIntents(broker),
        *steps(): Steps {
          const [found] = yield* askAll([{ name: "ZRANGEBYSCORE", apply: (k) => unrecorded(k.ranked(intents)) }]);
          const live = (found as [string, number][]).filter(([, score]) => score >= nowSec);
          return live.map(([text, score]) => {
            const [of, taskId, token] = text.split("\n");
            return {
              id: taskId,
              queue: of || undefined,
              token: token === undefined ? undefined : Number(token),
              canceledAtMs: Math.round((score - 60) * 1000),
            };
          });
        },
      };
    const target = what === 1 ? { id } : what === 2 ? { id, queue } : { id, queue, token: 7 };
    const text = `${target.queue ?? ""}\n${id}${target.token === undefined ? "" : "\n7"}`;
    return {
      text: `${name} cancels ${JSON.stringify(target)}`,
      moves: [],
      run: () => cancelProcessing(broker, [target]),
      steps: silent(() => [
        change("ZADD", (k) => k.setScore(intents, text, Math.floor(nowMs) / 1000 + 60)),
        change("ZREMRANGEBYSCORE", (k) => dropBefore(k, intents, nowSec)),
        change("PUBLISH", () => {}),
      ]),
    };
  },
};

export const serverKind: OperationKind<{ by: number; what: number; workers: number }> = {
  name: "tell",
  weight: 2,
  args: fc.record({ by: fc.nat(3), what: fc.nat(7), workers: fc.nat(2) }),
  prepare({ by, what, workers }, { actors }): Operation {
    const { broker, name, nowMs } = actors[by]!;
    const nowSec = secOf(nowMs);
    const server = { host: name, pid: 1, serverId: "s" };
    const [serverKey, workersKey] = [`asynq:servers:{${name}:1:s}`, `asynq:workers:{${name}:1:s}`];
    const running = ids.slice(0, workers).map((taskId) => ({ taskId, info: toBytes(`runs ${taskId}`) }));
    const schedulerKey = `asynq:schedulers:{${name}}`;
    const history = "asynq:scheduler_history:e";
    switch (what) {
      case 0:
        return {
          text: `${name} tells that it lives and runs ${workers} tasks`,
          moves: [],
          // What time it is for Redis is no matter of the model's.
          async run() {
            const record = { ...server, info: toBytes("lives"), workers: running };
            await writeServerState(broker, record, { nowSec, ttlSec: 10, hadWorkers: true });
          },
          steps: silent(() => [
            change("ZADD", (k) => k.setScore("asynq:servers", serverKey, nowSec + 10)),
            workers > 0
              ? change("ZADD", (k) => k.setScore("asynq:workers", workersKey, nowSec + 10))
              : change("ZREM", (k) => k.removeScore("asynq:workers", workersKey)),
            change("write-server-state", (k) => {
              k.setText(serverKey, "lives", 10);
              k.drop(workersKey);
              for (const { taskId } of running) k.setFields(workersKey, { [taskId]: `runs ${taskId}` });
              k.endIn(workersKey, 10);
            }),
          ]),
        };
      case 1:
        return {
          text: `${name} tells that it ends`,
          moves: [],
          run: () => clearServerState(broker, server),
          steps: silent(() => [
            change("ZREM", (k) => k.removeScore("asynq:servers", serverKey)),
            change("ZREM", (k) => k.removeScore("asynq:workers", workersKey)),
            change("DEL", (k) => [serverKey, workersKey].map((key) => k.drop(key))),
          ]),
        };
      case 2:
        return {
          text: `${name} tells its ${workers} entries`,
          moves: [],
          run: () =>
            writeSchedulerEntries(
              broker,
              name,
              running.map(({ info }) => info),
              19.5,
            ),
          steps: silent(() => [
            change("ZADD", (k) => k.setScore("asynq:schedulers", schedulerKey, nowSec + 20)),
            change("write-scheduler-entries", (k) => {
              k.drop(schedulerKey);
              for (const { taskId } of running) k.pushLeft(schedulerKey, `runs ${taskId}`);
              k.endIn(schedulerKey, 20);
            }),
          ]),
        };
      case 3:
        return {
          text: `${name} tells its entries no more`,
          moves: [],
          run: () => clearSchedulerEntries(broker, name),
          steps: silent(() => [
            change("ZREM", (k) => k.removeScore("asynq:schedulers", schedulerKey)),
            change("DEL", (k) => k.drop(schedulerKey)),
          ]),
        };
      case 4:
        return {
          text: `${name} lists the entries of all schedulers`,
          moves: [],
          run: async () => (await listSchedulerEntries(broker)).map(toText),
          *steps(): Steps {
            const [live, over] = yield* askAll([
              { name: "ZRANGEBYSCORE", apply: (k) => unrecorded(k.ranked("asynq:schedulers").filter(([, score]) => score >= nowSec)) },
              { name: "ZCOUNT", apply: (k) => unrecorded(k.ranked("asynq:schedulers").filter(([, score]) => score < nowSec).length) },
            ]);
            if ((over as number) > 0) yield* askAll([change("ZREMRANGEBYSCORE", (k) => dropBefore(k, "asynq:schedulers", nowSec))]);
            const lists = (live as [string, number][]).map(
              ([key]): Call => ({ name: "LRANGE", apply: (k) => unrecorded([...k.items(key)]) }),
            );
            return (yield* askAll(lists)).flat();
          },
        };
      case 5:
        return {
          text: `${name} lists what an entry enqueued`,
          moves: [],
          run: async () => (await listSchedulerEnqueueEvents(broker, "e", { size: 2 })).map(toText),
          *steps(): Steps {
            const newest = (k: Keyspace): string[] => k.ranked(history).map(([event]) => event);
            const [events] = yield* askAll([{ name: "ZREVRANGE", apply: (k) => unrecorded(newest(k).reverse().slice(0, 2)) }]);
            return events;
          },
        };
      case 6:
        return {
          text: `${name} clears the history of an entry`,
          moves: [],
          run: () => clearSchedulerHistory(broker, ["e", "f"]),
          steps: silent(() => [change("DEL", (k) => k.drop(history)), change("DEL", () => {})]),
        };
      default:
        return {
          text: `${name} tells that an entry was enqueued`,
          moves: [],
          run: () => recordSchedulerEnqueueEvent(broker, "e", { atSec: nowSec, event: toBytes(`${nowSec}`), ttlSec: 100 }),
          steps: silent(() => [
            change("record-scheduler-event", (k) => {
              k.setScore(history, `${nowSec}`, nowSec);
              k.endIn(history, 100);
            }),
          ]),
        };
    }
  },
};
