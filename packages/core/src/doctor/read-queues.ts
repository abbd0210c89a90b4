import type { Broker } from "../broker.ts";
import { sleep } from "../clock.ts";
import type { RedisError } from "../errors.ts";
import type { SendOptions } from "../redis.ts";
import { bounds } from "./bounds.ts";
import type { Facts, QueueFacts, Sampled, ServerFacts } from "./facts.ts";
import { measureQueues } from "./measure-queue.ts";
import { sampleTasks } from "./sample-tasks.ts";

/** So many queues are looked at closely: those in which most waits or failed. */
const maxSampledQueues = 50;
/** And so many of those in which a task has waited are watched, for so long. */
const maxWatchedQueues = 500;
const watchMs = 2_000;

/**
 * All of the queues in numbers, and those in which most waits or failed closely. Reads only.
 * @throws {RedisError} the way failed
 */
export async function readQueues(
  broker: Broker,
  { total, looked: names }: Sampled<string>,
  nowSec: number,
  options: SendOptions = {},
): Promise<Pick<Facts, "queues" | "unreadable" | "unsampled">> {
  const outcomes = await measureQueues(broker, names, nowSec, options);
  const looked = outcomes.flatMap(({ value }) => value ?? []);
  const failed = outcomes.flatMap(({ error }, i) => (error === undefined ? [] : [{ queue: names[i]!, error }]));
  // What Redis refuses for every queue is no matter of queues.
  if (looked.length === 0 && failed.length > 0 && (failed[0]!.error as RedisError).reply !== "WRONGTYPE")
    return { queues: { why: failed[0]!.error.message }, unreadable: [] };

  const weightOf = ({ pending, retry, archived, scheduled }: QueueFacts): number => pending + retry + archived + scheduled;
  const close = looked.filter((queue) => weightOf(queue) > 0).sort((a, b) => weightOf(b) - weightOf(a));
  const sampled = close.slice(0, maxSampledQueues).map(({ queue }) => queue);
  const samples = await sampleTasks(broker, sampled, nowSec, options);
  const tasks = new Map(sampled.map((queue, i) => [queue, samples[i]!.value ?? []]));
  const refused = samples.length > 0 && samples.every(({ error }) => error !== undefined) ? samples[0]!.error : undefined;
  return {
    ...(refused !== undefined && { unsampled: refused.message }),
    queues: { value: { total, looked: looked.map((queue) => ({ ...queue, tasks: tasks.get(queue.queue) })) } },
    unreadable: failed.map(({ queue, error }) => ({ queue, why: error.message })),
  };
}

/**
 * Looks once more at the queues in which a task has waited for long though servers take them: one whose next task is the same still, two seconds
 * later, stands; any other is behind. Reads only.
 * @throws {RedisError} the way failed
 */
export async function watchQueues(
  broker: Broker,
  measured: Facts["queues"],
  servers: readonly ServerFacts[],
  nowSec: number,
  options: SendOptions,
): Promise<Facts["queues"]> {
  const { total = 0, looked = [] } = measured.value ?? {};
  const served = new Set(servers.flatMap(({ status, queues }) => (status === "active" ? Object.keys(queues) : [])));
  const waiting = looked
    .filter(({ queue, paused, pending }) => !paused && pending > 0 && served.has(queue))
    .filter(({ pendingSinceSec = 0 }) => nowSec - pendingSinceSec >= bounds.waitingSec)
    .sort((a, b) => b.pending - a.pending)
    .slice(0, maxWatchedQueues);
  if (waiting.length === 0) return measured;
  await sleep(broker.clock, watchMs, options.signal);
  const names = waiting.map(({ queue }) => queue);
  const again = await measureQueues(broker, names, nowSec, options);
  const moves = new Map(waiting.map(({ queue, nextId }, i) => [queue, again[i]!.value?.nextId !== nextId]));
  return { value: { total, looked: looked.map((queue) => ({ ...queue, moves: moves.get(queue.queue) })) } };
}
