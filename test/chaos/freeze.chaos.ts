import { Client } from "@asynqjs/client-edge";
import { Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { inject } from "vitest";
import { ageLeases } from "../support/age-leases.ts";
import { expectSound } from "./after.ts";
import { expect, test } from "./lab.ts";

const { ci } = inject("chaos");

test("F3: a worker frozen past its leases: others run its tasks, it is told that it lost them, what it writes is refused", async ({
  lab,
}) => {
  const { admin, url } = await lab.startRedis();
  const client = new Client({ redis: ioredisPort(admin) });
  // When the worker is thawed, one is over and one goes on.
  const lastsMs = { short: 500, long: 25_000 };
  const ids = Object.keys(lastsMs);
  const { result } = lab.canaries;
  const tasks = Object.entries(lastsMs).map(
    ([taskId, ms]) => new Task("chaos", lab.payload({ ms, result }), { taskId, retentionSec: 3_600 }),
  );
  for (const { error } of await client.enqueueMany(tasks)) expect(error).toBeUndefined();
  const frozen = await lab.startWorker(url, { heartbeatIntervalMs: 500 });
  for (const id of ids) await frozen.tells((event) => event.event === "start" && event.id === id);

  frozen.signal("SIGSTOP");
  // Each runs one task at a time that lost its worker.
  const next = await Promise.all([lab.startWorker(url), lab.startWorker(url)]);
  // The real thing: a lease of 30 s, and 30 s until its task counts as lost.
  if (ci) await ageLeases(admin);
  for (const id of ids) await Promise.any(next.map((one) => one.tells((event) => event.event === "start" && event.id === id)));
  const owner = async (): Promise<number> => Number(await admin.zscore("asynq:{default}:lease", "long")) % 1;
  const owned = await owner();
  frozen.signal("SIGCONT");
  for (const id of ids) await frozen.tells((event) => event.id === id && (event.event === "lost" || event.event === "refused"));
  if (ci) expect(await owner()).toBe(owned);
  await expect.poll(() => admin.zcard("asynq:{default}:completed")).toBe(2);
  await Promise.all([frozen, ...next].map((worker) => worker.end()));

  const told = frozen.events.filter(({ event }) => event === "lost" || event === "refused");
  if (ci) expect(told.filter(({ id }) => id === "long")).toMatchObject([{ event: "lost", why: "LEASE_LOST" }]);
  // Whoever runs them by now is not disturbed, nor counted twice.
  expect(await admin.mget("asynq:{default}:processed", "asynq:{default}:failed")).toEqual(["2", null]);
  expect(next.flatMap(({ events }) => events).filter(({ event }) => event === "lost" || event === "refused")).toEqual([]);
  await expectSound(admin);
  lab.report({ lease: ci ? "made old" : "real", told: told.map(({ id, event, why }) => `${id} ${why ?? event}`) });
});
