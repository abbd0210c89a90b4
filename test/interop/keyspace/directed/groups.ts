import {
  aggregate,
  aggregationCheck,
  composeTask,
  GroupedTask,
  janitor,
  makeBroker,
  replaceAggregationSet,
  systemRandom,
  Task,
} from "@asynqjs/core";
import { manualClock } from "@asynqjs/core/testing";
import {
  type DirectedHistories,
  enqueue,
  forgetServers,
  key,
  nothing,
  pass,
  pause,
  play,
  queue,
  session,
  task,
  until,
  work,
} from "./parts.ts";

export const ofGroups: DirectedHistories = {
  async "Lock of a grouped task"({ lane }) {
    const unique = { group: "g", uniqueTtlSec: 1_050 };
    await play(lane, enqueue(task("ok", "a", unique), task("ok", "b", unique), task("ok 2", "c", unique)));
    await play(lane, { move: "delete", queue, id: "c" }, work({ groupMaxSize: 0 }), enqueue(task("ok", "b", unique)));
  },
  async "Group index"({ lane }) {
    await play(
      lane,
      enqueue(task("fail-until 1", "a", { group: "g" })),
      { move: "run", queue, id: "a" },
      work(),
      pass(100),
      work(),
      work({ groupMaxSize: 0 }),
    );
    // A group whose tasks are gone, as an eviction leaves it.
    await lane.both("SADD", key("groups"), "gone");
    await lane.step("aggregate", nothing, () =>
      aggregate(lane.ours.broker, { queues: [queue], aggregator: lane.ours.aggregator, gracePeriodSec: 1 }),
    );
  },
  async "Deadline of a set"({ lane }) {
    await play(lane, enqueue(task("ok", "a", { group: "hold" })));
    const { redis, port } = lane.ours.database;
    const clock = manualClock(Date.now() + 2_000);
    const broker = makeBroker({ redis: port, clock, random: systemRandom });
    const deadline = async (): Promise<string | undefined> => (await redis.zrange(key("aggregation_sets"), "0", "0", "WITHSCORES"))[1];
    let release: (task: Task) => void = () => {};
    const made = new Promise<Task>((resolve) => {
      release = resolve;
    });
    let aggregated: Promise<unknown> = nothing();
    const holdInGo = async (): Promise<void> => {
      await lane.peers.go.startSession({ ...session, aggregate: true });
      await until(() => lane.go.database.redis.exists(key("aggregation_sets")));
      await forgetServers(lane);
    };
    await lane.step("hold a set", holdInGo, async () => {
      aggregated = aggregate(broker, { queues: [queue], gracePeriodSec: 1, aggregator: () => made });
      await until(deadline);
      const before = await deadline();
      await clock.advance(40_000);
      await until(async () => (await deadline()) !== before);
    });
    release(new Task("aggregated"));
    await Promise.all([aggregated, lane.peers.go.release()]);
    await lane.peers.go.endSession();
  },
  async "Aggregated sets"({ lane }) {
    const tasks = Array.from({ length: 1_100 }, (_, i) => task("ok", `a${i}`, { group: "g" }, "part"));
    await play(lane, pause);
    for (let at = 0; at < tasks.length; at += 100) await play(lane, enqueue(...tasks.slice(at, at + 100)));
    const group = `g@${queue}`;
    const { broker, aggregator } = lane.ours;
    const replace = async (): Promise<void> => {
      const due = makeBroker({ redis: lane.ours.database.port, clock: manualClock(Date.now() + 2_000), random: systemRandom });
      const [checked] = await aggregationCheck(due, queue, [group], { gracePeriodSec: 1, maxDelaySec: 0, maxSize: 0 });
      const parts = tasks.map(({ type, payload }) => new GroupedTask({ type, payload, id: "", queue, retry: 0, retried: 0 }));
      const made = await aggregator(group, parts, { queue, signal: new AbortController().signal });
      await replaceAggregationSet(broker, checked!.set!, composeTask(made, { queue }, broker));
    };
    await lane.step("aggregate", () => lane.workAlone("go", { groupMaxSize: 0 }), replace);
    await lane.step("janitor", nothing, () => janitor(broker, { queues: [queue] }));
  },
};
