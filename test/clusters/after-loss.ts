import { cancelChannel, leaseKey, sleep, systemClock } from "@asynqjs/core";
import type { Redis } from "ioredis";
import { expect } from "vitest";
import type { Life } from "./life.ts";

/**
 * Cuts a master off from its replicas for so long that it takes tasks they have not; answers how to let them follow a master again. Both
 * are well, and the replicas may take its place: so a busy network looks.
 */
export async function cutOff(master: Redis, replicas: readonly Redis[]): Promise<() => Promise<void>> {
  const setPassword = async (password: string): Promise<void> => {
    for (const replica of replicas) await replica.config("SET", "masterauth", password);
  };
  await setPassword("none that it would take");
  await master.call("CLIENT", "KILL", "TYPE", "REPLICA");
  await sleep(systemClock, 300);
  return () => setPassword("");
}

/** A connection that is dead is noticed within 10 s while tasks run, and Sentinels or nodes are asked then. */
const foundWithinMs = 15_000;

/** The heartbeat thread found the new master: the lease of a task that runs moves on there. */
export async function extendsOn(master: Redis, queue: string, id: string): Promise<void> {
  const endSec = async (): Promise<number> => Number(await master.zscore(leaseKey(queue), id));
  const before = await endSec();
  expect(before).toBeGreaterThan(0);
  await expect.poll(endSec, { timeout: foundWithinMs }).toBeGreaterThan(before);
}

/** The subscriber found it: of a bare message, as Go's clients send it, no heartbeat hears. */
export async function hearsCancelations(master: Redis, queue: string, life: Life): Promise<void> {
  const id = await life.begin("runs until it is told to end", queue);
  const runs = async (): Promise<number> => {
    await master.publish(cancelChannel, id);
    return life.history.stories.get(id)!.runs;
  };
  // It is tried again a second later.
  await expect.poll(runs, { timeout: foundWithinMs + 2_000, interval: 200 }).toBe(2);
}

/** Smallest, middle and greatest of some seconds. */
export function spread(sec: readonly number[]): string {
  const sorted = sec.toSorted((a, b) => a - b);
  return [0, Math.floor(sorted.length / 2), sorted.length - 1].map((i) => sorted[i]!.toFixed(1)).join(" / ");
}
