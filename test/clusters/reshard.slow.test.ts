/**
 * Waits for a Cluster: two seconds for it to serve, and for its nodes to tell each other who has a slot now; and for tasks that are due, or
 * tried again, a second or two later.
 */
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { beginMove, countRedirections, moveSlots } from "../support/move-slots.ts";
import { openPort } from "../support/open-port.ts";
import { startCluster } from "../support/redis-topologies.ts";
import { drained, settleAccounts } from "./accounts.ts";
import { startLife } from "./life.ts";

const queues = Array.from({ length: 9 }, (_, i) => `queue${i}`);
/** Keys of no queue. Those of servers are in slots of their own. */
const otherKeys = ["asynq:queues", "asynq:servers", "asynq:workers", "asynq:js:cancel"];
/** So many slots of each master move beside those of the queues and of these keys. */
const othersOfEach = 350;

/** What clients that only ever touch one queue of a Cluster must not notice. */
const neverCounted = [
  ...(["dequeueErrors", "settleErrors", "extendErrors", "stateErrors", "forwardErrors", "recoverErrors", "aggregateErrors"] as const),
  ...([
    "janitorErrors",
    "repairErrors",
    "leaseLost",
    "leaseExpired",
    "unsettled",
    "dangling",
    "quarantined",
    "setsLost",
    "trimmed",
  ] as const),
  ...(["reclaimed", "writesRefused", "recoveredArchived", "callbackErrors"] as const),
];
/** The one is a task's fate, the second what lost workers are for, the third says that Redis was slow. */
const expected = /^(retry exhausted|recoverer took back tasks of lost workers|aggregator is busy.*)$/;

/** Redis' 16,384, a third on each master. */
const ofMaster = (slot: number): number => Math.floor((slot * 3) / 16_384);

// Once in some twenty runs on a busy machine no client of the Cluster was answered for ten seconds, from its start on. Why is not known yet; a second
// run in a row has never met it.
test("a whole life on a Cluster whose slots move under load: no call fails, and every task runs exactly as it should", {
  retry: 1,
}, async () => {
  const cluster = await startCluster(3);
  const nodes = cluster.ports.map((port) => new Redis(port));
  const port = openPort("cluster", { cluster: cluster.ports });
  const life = await startLife({
    redis: `redis-cluster://${cluster.ports.map((port) => `127.0.0.1:${port}`).join(",")}`,
    port,
    queues,
  });
  onTestFinished(async () => {
    await life.close();
    await port.close();
    for (const node of nodes) node.disconnect();
    await cluster.stop();
  });
  const slotsOf = (keys: readonly string[]) => Promise.all(keys.map(async (key) => Number(await nodes[0]!.cluster("KEYSLOT", key))));
  const slotsOfQueues = await slotsOf(queues.map((queue) => `{${queue}}`));
  const otherSlots = new Set([...(await slotsOf(otherKeys)), ...Array.from({ length: 16_384 }, (_, slot) => slot)]);
  for (const slot of slotsOfQueues) otherSlots.delete(slot);
  expect(new Set(slotsOfQueues.map(ofMaster)).size).toBe(3);
  const route = (from: number, to: number): [Redis, Redis, Redis] => [nodes[from]!, nodes[to]!, nodes[3 - from - to]!];
  const saidMore = async (word: "ASK" | "TRYAGAIN", than: number): Promise<void> => {
    while ((await countRedirections(nodes))[word] <= than);
  };

  let moved = 0;
  for (const back of [false, true]) {
    for (const master of [0, 1, 2]) {
      const nodesOfMove = back ? route((master + 1) % 3, master) : route(master, (master + 1) % 3);
      await life.loseWorker(queues[master]!);
      for (const slot of slotsOfQueues.filter((slot) => ofMaster(slot) === master)) {
        const before = await countRedirections(nodes);
        const move = await beginMove(slot, nodesOfMove);
        await move.moveKeys((key) => key.includes(":t:"));
        await saidMore("TRYAGAIN", before.TRYAGAIN);
        await move.moveKeys();
        await saidMore("ASK", before.ASK);
        await move.finish();
        moved++;
      }
      const others = [...otherSlots].filter((slot) => ofMaster(slot) === master).slice(0, othersOfEach);
      await moveSlots(others, nodesOfMove);
      moved += others.length;
    }
    // A worker is replaced while the slots are elsewhere.
    await life.servers[back ? 1 : 0]!.shutdown();
    await life.startServer();
  }
  await life.begin("runs until it is let go", queues[0]!);
  await life.stopProducing();
  life.letGo();
  await drained(life, { aging: false, timeoutMs: 30_000 });

  const { acknowledged, ...rest } = await settleAccounts(life);
  const wrong = { lost: [], unexpected: [], stuck: [], findings: [] };
  expect(rest).toEqual({ unknown: 0, refused: 0, extraRuns: 0, again: [], overlaps: 0, wrong });
  expect(Object.fromEntries(neverCounted.map((counter) => [counter, life.sum(counter)]))).toEqual(
    Object.fromEntries(neverCounted.map((counter) => [counter, 0])),
  );
  expect([...life.warnings].filter((warning) => !expected.test(warning))).toEqual([]);
  const { MOVED, ASK, TRYAGAIN } = await countRedirections(nodes);
  console.log(`${acknowledged} tasks; ${moved} moves of slots, clients were told MOVED ${MOVED}, ASK ${ASK}, TRYAGAIN ${TRYAGAIN} times`);
});
