import type { Redis } from "ioredis";

/** What a client is told of a slot that moves; Redis counts how often it said so. */
const redirections = ["MOVED", "ASK", "TRYAGAIN"] as const;

/** How often the nodes said each. */
export async function countRedirections(nodes: readonly Redis[]): Promise<Record<(typeof redirections)[number], number>> {
  const counts = { MOVED: 0, ASK: 0, TRYAGAIN: 0 };
  for (const node of nodes)
    for (const [, word, count] of (await node.info("errorstats")).matchAll(/errorstat_(\w+):count=(\d+)/g))
      if (word! in counts) counts[word as keyof typeof counts] += Number(count);
  return counts;
}

/** One slot on its way. */
export interface Move {
  /** Moves what keys of the slot there are. */
  moveKeys(are?: (key: string) => boolean): Promise<void>;
  /** Tells every node whose the slot is now. */
  finish(): Promise<void>;
}

/** Begins to move a slot from the first of these nodes, all masters there are, to the second, as `redis-cli --cluster reshard` does. */
export async function beginMove(slot: number, [from, to, ...others]: readonly [Redis, Redis, ...Redis[]]): Promise<Move> {
  const [fromId, toId] = [String(await from.cluster("MYID")), String(await to.cluster("MYID"))];
  await to.cluster("SETSLOT", slot, "IMPORTING", fromId);
  await from.cluster("SETSLOT", slot, "MIGRATING", toId);
  return {
    async moveKeys(are = () => true) {
      for (;;) {
        const keys = ((await from.cluster("GETKEYSINSLOT", slot, 10_000)) as string[]).filter(are);
        if (keys.length === 0) return;
        for (const key of keys) await from.call("MIGRATE", "127.0.0.1", to.options.port!, key, 0, 5_000);
      }
    },
    async finish() {
      for (const node of [to, from, ...others]) await node.cluster("SETSLOT", slot, "NODE", toId);
    },
  };
}

/** Slots that nobody looks at one by one are moved so many at once. */
const atOnce = 200;

/** Moves slots, whatever is in them, from the first of these nodes, all masters there are, to the second. */
export async function moveSlots(slots: readonly number[], nodes: readonly [Redis, Redis, ...Redis[]]): Promise<void> {
  for (let i = 0; i < slots.length; i += atOnce) {
    const moves = await Promise.all(slots.slice(i, i + atOnce).map((slot) => beginMove(slot, nodes)));
    await Promise.all(moves.map((move) => move.moveKeys()));
    await Promise.all(moves.map((move) => move.finish()));
  }
}
