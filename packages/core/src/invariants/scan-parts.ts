import { listKeys } from "../broker/list-keys.ts";
import type { Broker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { splitKey } from "../keys.ts";
import type { Report } from "./finding.ts";
import { type PartOptions, QueueParts } from "./queue-parts.ts";
import type { QueueState } from "./queue-state.ts";

/** A step through the keyspace looks at about so many keys. */
const keysPerStep = 1_000;

/**
 * Judges queues part by part, which holds Redis for no more than a millisecond or so at once: what moves meanwhile may look as if it were
 * in two places, or in none. Without `queues` all that there are.
 */
export async function scanParts(
  broker: Broker,
  queues: readonly string[] | undefined,
  isRegistered: (queue: string) => boolean,
  report: Report,
  options: PartOptions,
): Promise<QueueState[]> {
  const { cluster } = await broker.redis.features();
  const parts = new Map<string, QueueParts>();
  const wanted = queues && new Set(queues);
  for (const part of cluster ? (queues ?? []) : [undefined]) {
    let cursor = "0";
    do {
      options.signal?.throwIfAborted();
      const page = await listKeys(broker, { queue: part, cursor, count: keysPerStep }, options);
      cursor = page.cursor;
      const keys = [...new Set(page.keys)].flatMap((key) => splitKey(key) ?? []).filter(({ queue }) => wanted?.has(queue) ?? true);
      for (const [queue, items] of byQueue(keys, (key) => key.queue)) {
        const of = parts.get(queue) ?? new QueueParts(broker, queue, report, options);
        parts.set(queue, of);
        await judgeKeys(
          of,
          items.map(({ item }) => item.rest),
        );
      }
    } while (cursor !== "0");
  }
  const states: QueueState[] = [];
  for (const of of parts.values()) states.push(await of.end(isRegistered(of.queue)));
  return states;
}

/** Judges what a page of the keyspace names of one queue. */
async function judgeKeys(of: QueueParts, rests: readonly string[]): Promise<void> {
  const are = (kind: string): string[] => rests.flatMap((rest) => (rest.startsWith(kind) ? rest.slice(kind.length) : []));
  const ids = are("t:");
  of.tasks += ids.length;
  await of.judgeTasks(ids.map((id) => ({ id })));
  await of.judgeLocks(are("unique:").map((rest) => `unique:${rest}`));
  for (const { home, strays } of await of.judgeGroups(are("g:")))
    await (strays === undefined ? of.walk(home) : of.judgeStrays(home, strays));
  for (const rest of rests) {
    const home = await of.judgeKey(rest);
    if (home !== undefined) await of.walk(home);
  }
}
