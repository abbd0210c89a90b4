/**
 * Waits for a Cluster: to serve, to find a master down (2 s), to agree and to make its replica the master; and for tasks that are due, or
 * tried again, a second later.
 *
 * `ASYNQ_FAILOVERS=10 npm test -- clusters/lost-node` loses ten masters, one after the other.
 */
import { sleep, systemClock } from "@asynqjs/core";
import { scanInvariants } from "@asynqjs/core/invariants";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { openPort } from "../support/open-port.ts";
import { startCluster } from "../support/redis-topologies.ts";
import { drained, settleAccounts } from "./accounts.ts";
import { cutOff, extendsOn, hearsCancelations, spread } from "./after-loss.ts";
import { startLife } from "./life.ts";

const queues = Array.from({ length: 9 }, (_, i) => `queue${i}`);
const rounds = Number(process.env.ASYNQ_FAILOVERS ?? 1);
/** For so long work may stand still. */
const boundSec = 8;
/** How long it takes us, and a crashed node to start and be in step, from when the Cluster has a new master: that takes 4 s at most, if the machine has time for it. */
const ownSec = 4;

test("a whole life on a Cluster that loses masters: at the tier replicated nothing is lost, and work goes on in time, nothing started again", {
  timeout: 60_000 + rounds * 60_000,
}, async () => {
  const cluster = await startCluster(3, { replicas: 1 });
  const nodes = cluster.ports.map((port) => new Redis(port).on("error", () => {}));
  const port = openPort("cluster", { cluster: cluster.ports });
  const life = await startLife({
    redis: `redis-cluster://${cluster.ports.map((port) => `127.0.0.1:${port}`).join(",")}`,
    ...{ port, queues, durability: "replicated" },
  });
  onTestFinished(async () => {
    await life.close();
    await port.close();
    for (const node of nodes) node.disconnect();
    await cluster.stop();
  });
  await life.goesOn(performance.now());
  const held = await life.begin("runs until it is let go", queues[0]!);
  const stoodStillSec: number[] = [];

  for (let round = 0; round < rounds; round++) {
    const [master, replica] = await pairOf(nodes, queues[0]!);
    await life.loseWorker(queues[0]!);
    // Else it would have all that its master acknowledged, WAIT or not: in one machine it is never behind.
    const follow = await cutOff(nodes[master]!, [nodes[replica]!]);
    const fromMs = performance.now();
    await cluster.kill(master, "SIGKILL");
    await follow();
    while ((await nodes[replica]!.role())[0] !== "master") await sleep(systemClock, 10);
    const replacedAfterSec = (performance.now() - fromMs) / 1000;
    // Until it is back nothing can be replicated. Any sooner, and it would be the master still, its keys gone.
    await cluster.restart(master);
    await life.goesOn(performance.now() + 500);
    const sec = life.stoodStillSec(fromMs);
    stoodStillSec.push(sec);
    console.log(
      `a master of a Cluster that crashes, replaced after ${replacedAfterSec.toFixed(1)} s: work stood still for ${sec.toFixed(1)} s`,
    );
    expect.soft(sec).toBeLessThan(Math.max(boundSec, replacedAfterSec + ownSec));

    await extendsOn(nodes[replica]!, queues[0]!, held);
    await hearsCancelations(nodes[replica]!, queues[0]!, life);
    expect((await scanInvariants(port)).findings).toEqual([]);
  }
  await life.stopProducing();
  life.letGo();
  await drained(life, { aging: true, timeoutMs: 60_000 });

  const { wrong, acknowledged, unknown, refused, extraRuns, overlaps } = await settleAccounts(life);
  console.log(`${rounds} × a master of a Cluster that crashes: work stood still for ${spread(stoodStillSec)} s`);
  console.log(
    `${acknowledged} acknowledged, ${wrong.lost.length} of them lost, ${unknown} unknown, ${refused} refused; ${extraRuns} extra runs, ${overlaps} at the same time`,
  );
  expect(wrong).toEqual({ lost: [], unexpected: [], stuck: [], findings: [] });
});

/** Which of the nodes has the queue's slot, and which follows it. */
async function pairOf(nodes: readonly Redis[], queue: string): Promise<[number, number]> {
  const alive = nodes.find(({ status }) => status === "ready")!;
  const slot = Number(await alive.cluster("KEYSLOT", `{${queue}}`));
  const [, , ...owners] = (await alive.cluster("SLOTS")).find(([from, to]) => from <= slot && slot <= to)!;
  return owners.map(([, port]) => nodes.findIndex(({ options }) => options.port === port)) as [number, number];
}
