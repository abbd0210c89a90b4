import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { settle } from "../broker/settle.ts";
import { type Broker, makeBroker } from "../broker.ts";
import { scanInvariants } from "../invariants/index.ts";
import type { NewTask } from "../options.ts";
import { mortalRedis } from "../testing/faulty-redis.ts";
import type { KeyValue, ManualClock } from "../testing/index.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { forward } from "./forward.ts";
import { janitor } from "./janitor.ts";
import { recover } from "./recover.ts";
import { repair } from "./repair.ts";
import type { TickReport } from "./tick.ts";

const queues = ["default", "low"];
/** In each queue; in the first one more than a call takes. */
const tasksOf: Readonly<Record<string, number>> = { default: 101, low: 3 };

interface Seeding {
  readonly broker: Broker;
  readonly clock: ManualClock;
  readonly makeTasks: (queue: string, options?: { readonly processInSec?: number; readonly retentionSec?: number }) => NewTask[];
}

/** A tick, and what leaves it enough to do. */
interface Case {
  readonly tick: (broker: Broker) => Promise<TickReport>;
  readonly seed: (seeding: Seeding) => Promise<void>;
}

async function activate({ broker, makeTasks }: Seeding, retentionSec?: number) {
  for (const queue of queues) await enqueue(broker, makeTasks(queue, retentionSec === undefined ? {} : { retentionSec }));
  const taken = [];
  for (const limit of [100, 4]) taken.push(...(await dequeue(broker, queues, limit)).tasks);
  return taken;
}

const cases: Readonly<Record<string, Case>> = {
  forward: {
    tick: (broker) => forward(broker, { queues }),
    async seed({ broker, clock, makeTasks }) {
      for (const queue of queues) await enqueue(broker, makeTasks(queue, { processInSec: 5 }));
      await clock.advance(10_000);
    },
  },
  recover: {
    tick: (broker) => recover(broker, { queues }),
    async seed(seeding) {
      await activate(seeding);
      await seeding.clock.advance(61_000);
    },
  },
  janitor: {
    tick: (broker) => janitor(broker, { queues }),
    async seed(seeding) {
      const taken = await activate(seeding, 10);
      await settle(
        seeding.broker,
        taken.map(({ queue, id, token, msg }) => ({
          queue,
          id,
          fence: { token },
          to: "completed",
          msg: patchTaskMessage(msg, {}),
          expireAtSec: startSec + 10,
        })),
      );
      await seeding.clock.advance(20_000);
    },
  },
  repair: {
    tick: (broker) => repair(broker, { queues, sweep: true }),
    async seed(seeding) {
      await activate(seeding);
      await seeding.broker.redis.send([...queues.map((queue) => ["DEL", `asynq:{${queue}}:lease`]), ["DEL", "asynq:queues"]]);
    },
  },
};

/** What stands where, without the times. */
function shapeOf(space: Readonly<Record<string, KeyValue>>): Readonly<Record<string, unknown>> {
  const kept = Object.entries(space).filter(([key]) => !/:js:(repair|sweep)/.test(key));
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (typeof value === "string" || Array.isArray(value)) return [key, value];
      const hash = value as Readonly<Record<string, string>>;
      return [key, { members: Object.keys(hash).sort(), state: hash.state }];
    }),
  );
}

describe("a tick that is killed after any of its calls", () => {
  test.for(Object.keys(cases))(
    "%s: the next one completes it, as if there had been only one",
    async (name, { broker, other, aTask, clock, redis, keyspace }) => {
      const { tick, seed } = cases[name]!;
      const makeTasks: Seeding["makeTasks"] = (queue, options = {}) =>
        Array.from({ length: tasksOf[queue]! }, (_, i) => aTask({ queue, taskId: String(i), ...options }));
      /** An empty Redis is filled by a client that never wrote to it. */
      const begin = async (): Promise<void> => {
        await redis.flushdb();
        await seed({ broker: makeBroker(other), clock, makeTasks });
      };
      await begin();
      await tick(other);
      const end = shapeOf(await keyspace());

      let kills = 0;
      for (let killed = true; killed; kills++) {
        await begin();
        killed = await tick({ ...broker, redis: mortalRedis(broker.redis, kills) }).then(
          () => false,
          () => true,
        );
        await tick(other);

        expect(shapeOf(await keyspace()), `killed after ${kills} calls`).toEqual(end);
        expect((await scanInvariants(other.redis)).findings, `killed after ${kills} calls`).toEqual([]);
      }
      expect(kills).toBeGreaterThan(2);
    },
  );
});
