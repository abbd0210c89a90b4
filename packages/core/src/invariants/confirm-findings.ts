import { type Broker, makeBroker } from "../broker.ts";
import { byQueue } from "../by-queue.ts";
import { systemClock, systemRandom } from "../clock.ts";
import { allQueues, queuePrefix } from "../keys.ts";
import type { RedisPort } from "../redis.ts";
import type { Finding, Report } from "./finding.ts";
import type { Home } from "./judge-task.ts";
import { type PartOptions, QueueParts } from "./queue-parts.ts";

/** A finding that is still there so many times more was no movement. */
const looks = 2;
/** Here few ids are looked at, so that Redis may look for them in a list as long as this. */
const listMax = 20_000;

/**
 * Looks again at the ids and keys of findings, and answers those that are still there: what moved between two reads of a living system is
 * no finding. Reads only.
 * @throws {RedisError}
 */
export async function confirmFindings(redis: RedisPort, findings: readonly Finding[], options: PartOptions = {}): Promise<Finding[]> {
  const broker = makeBroker({ redis, clock: systemClock, random: systemRandom });
  let held = [...findings];
  for (let look = 0; look < looks && held.length > 0; look++) {
    const seen = new Set<string>();
    for (const [queue, items] of byQueue(held, (finding) => finding.queue)) {
      const some = items.map(({ item }) => item);
      await lookAgain(broker, queue, some, (finding) => seen.add(nameOf(finding)), options);
    }
    held = held.filter((finding) => seen.has(nameOf(finding)));
  }
  return held;
}

/** Two findings of one name are one. */
export function nameOf({ invariant, id = "", key }: Finding): string {
  return `${invariant} ${id} ${key}`;
}

/** Looks at everything that the findings of one queue name, whatever they say of it. */
async function lookAgain(broker: Broker, queue: string, findings: readonly Finding[], report: Report, options: PartOptions): Promise<void> {
  const of = new QueueParts(broker, queue, report, { listMax, ...options });
  const prefix = queuePrefix(queue);
  const [registered] = await broker.redis.send([["SISMEMBER", allQueues, queue]], options);
  const { reply: isRegistered, error } = registered!;
  if (error !== undefined && error.reply !== "WRONGTYPE") throw error;
  const named = findings.filter(({ key }) => key !== allQueues).map(({ key, id }) => ({ id, rest: key.slice(prefix.length) }));
  of.holdsTasks = named.length < findings.length;

  const groups = new Set(named.flatMap(({ rest }) => (rest.startsWith("g:") ? rest.slice(2) : [])));
  const homes = new Map((await of.judgeGroups([...groups])).map(({ home }) => [home.key, home]));
  const beside = (rest: string): Home[] | undefined => {
    const home = homes.get(prefix + rest);
    return home && [home];
  };
  const isLock = (rest: string): boolean => rest.startsWith("unique:");
  await of.judgeLocks(named.flatMap(({ rest }) => (isLock(rest) ? rest : [])));
  await of.judgeTasks(named.flatMap(({ id, rest }) => (id === undefined || isLock(rest) ? [] : { id, beside: beside(rest) })));
  for (const { id, rest } of named) if (id === undefined) await of.judgeKey(rest);
  await of.end(isRegistered === 1);
}
