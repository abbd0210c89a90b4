import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { everySlots as slotsBetween } from "../../../../test/support/every-slots.ts";
import { dequeue } from "../broker/dequeue.ts";
import { enqueue } from "../broker/enqueue.ts";
import { settle } from "../broker/settle.ts";
import { type Broker, makeBroker } from "../broker.ts";
import { addCronEntry } from "../cron/add-cron-entry.ts";
import { scanInvariants } from "../invariants/index.ts";
import type { NewTask } from "../options.ts";
import { Task } from "../task.ts";
import { mortalRedis } from "../testing/faulty-redis.ts";
import type { KeyValue, ManualClock } from "../testing/index.ts";
import { patchTaskMessage } from "../wire/patch-task-message.ts";
import { type AggregateReport, aggregate } from "./aggregate.ts";
import { forward } from "./forward.ts";
import { janitor } from "./janitor.ts";
import { recover } from "./recover.ts";
import { repair } from "./repair.ts";
import { schedule } from "./schedule.ts";
import type { TickReport } from "./tick.ts";

const queues = ["default", "low"];
/** In each queue; in the first one more than a call takes. */
const tasksOf: Readonly<Record<string, number>> = { default: 101, low: 3 };

interface Seeding {
  readonly broker: Broker;
  readonly clock: ManualClock;
  readonly makeTasks: (
    queue: string,
    options?: { readonly processInSec?: number; readonly retentionSec?: number; readonly group?: string },
  ) => NewTask[];
}

/** A tick, and what leaves it enough to do. */
interface Case {
  readonly tick: (broker: Broker) => Promise<TickReport>;
  readonly seed: (seeding: Seeding) => Promise<void>;
  /** What completes it when it was killed, or found nothing left to do. Default: the same tick. */
  readonly complete?: (broker: Broker, clock: ManualClock) => Promise<unknown>;
}

async function activate({ broker, makeTasks }: Seeding, retentionSec?: number) {
  for (const queue of queues) await enqueue(broker, makeTasks(queue, retentionSec === undefined ? {} : { retentionSec }));
  const taken = [];
  for (const limit of [100, 4]) taken.push(...(await dequeue(broker, queues, limit)).tasks);
  return taken;
}

/** Puts one task in the place of each group's. */
function join(broker: Broker): Promise<AggregateReport> {
  return aggregate(broker, { queues, aggregator: (group) => new Task("joined", undefined, { taskId: `joined ${group}` }) });
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
  schedule: {
    tick: (broker) => schedule(broker, { slotsBetween }),
    async seed({ broker, clock }) {
      for (const queue of queues)
        for (const id of ["a", "b", "c"])
          await addCronEntry(broker, { id: `report-${queue}-${id}`, spec: "@every 60s", type: "t", queue, catchUp: "all" });
      await clock.advance(300_000);
    },
  },
  aggregate: {
    tick: join,
    async seed({ broker, clock, makeTasks }) {
      for (const queue of queues) for (const group of ["g", "h"]) await enqueue(broker, makeTasks(queue, { group }));
      await clock.advance(60_000);
    },
    // A set is its maker's for two minutes; what is left of one that was aggregated is the janitor's.
    async complete(broker, clock) {
      await clock.advance(120_000);
      await recover(broker, { queues });
      await join(broker);
      await janitor(broker, { queues });
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

/** What stands where, without the times, and in any order: sets that are aggregated at once end in any. */
function shapeOf(space: Readonly<Record<string, KeyValue>>): unknown {
  const kept = Object.entries(space).filter(([key]) => !/:js:(repair|sweep)|^asynq:scheduler/.test(key));
  const shape = kept.map(([key, value]) => {
    if (typeof value === "string") return [key, value];
    if (Array.isArray(value)) return [key, value.toSorted()];
    const hash = value as Readonly<Record<string, string>>;
    return [key, { members: Object.keys(hash).sort(), state: hash.state }];
  });
  // A slot is told by how much later it is than the first one.
  const text = JSON.stringify(shape);
  const slots = Array.from(text.matchAll(slot), ([, sec]) => Number(sec));
  const told = text.replaceAll(slot, (_, sec) => `:+${Number(sec) - Math.min(...slots)}`);
  return (JSON.parse(told) as [string, unknown][]).sort(([one], [other]) => (one < other ? -1 : 1));
}

const slot = /(?<=report-\w+-\w):(\d{10})/g;

interface Stage {
  /** Fills an empty Redis: by a client that never wrote to it. */
  readonly begin: () => Promise<void>;
  readonly completed: () => Promise<void>;
  /** Compares what is there now with what one tick alone leaves. */
  readonly expectEnd: (what: string) => Promise<void>;
}

const tickTest = test.extend<{ stageOf: (name: string) => Promise<Stage> }>({
  stageOf: async ({ other, aTask, clock, redis, keyspace }, use) =>
    use(async (name) => {
      const { tick, seed, complete = tick } = cases[name]!;
      let seeded = 0;
      const makeTasks: Seeding["makeTasks"] = (queue, options = {}) =>
        Array.from({ length: tasksOf[queue]! }, () => aTask({ queue, taskId: String(seeded++), ...options }));
      const begin = async (): Promise<void> => {
        await redis.flushdb();
        seeded = 0;
        await seed({ broker: makeBroker(other), clock, makeTasks });
      };
      const completed = async (): Promise<void> => void (await complete(other, clock));
      await begin();
      await tick(other);
      await completed();
      const end = shapeOf(await keyspace());
      return {
        begin,
        completed,
        async expectEnd(what) {
          expect(shapeOf(await keyspace()), what).toEqual(end);
          expect((await scanInvariants(other.redis)).findings, what).toEqual([]);
        },
      };
    }),
});

describe("a tick that is killed between any two of its calls", () => {
  for (const loses of ["request", "reply"] as const) {
    tickTest.for(Object.keys(cases))(
      `%s, the last ${loses} lost: the next one completes it, as if there had been only one`,
      async (name, { broker, stageOf }) => {
        const { begin, completed, expectEnd } = await stageOf(name);
        let kills = 0;
        for (let killed = true; killed; kills++) {
          await begin();
          killed = await cases[name]!.tick({ ...broker, redis: mortalRedis(broker.redis, kills, loses) }).then(
            ({ errors }) => errors.length > 0,
            () => true,
          );
          await completed();
          await expectEnd(`killed after ${kills} calls`);
        }
        expect(kills).toBeGreaterThan(2);
      },
    );
  }
});

describe("any number of copies of a tick at once", () => {
  tickTest.for(Object.keys(cases))("%s: leave what one leaves", async (name, { broker, other, stageOf }) => {
    const { begin, completed, expectEnd } = await stageOf(name);
    await begin();

    const copies = [broker, other, broker, other, broker].map((one) => cases[name]!.tick(makeBroker(one)));
    expect((await Promise.all(copies)).flatMap(({ errors }) => errors)).toEqual([]);

    await completed();
    await expectEnd("five at once");
  });
});
