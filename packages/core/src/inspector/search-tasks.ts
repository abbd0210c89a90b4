import type { Broker } from "../broker.ts";
import { demand } from "../demand.ts";
import type { SendOptions } from "../redis.ts";
import { getTasks } from "./get-tasks.ts";
import { type ScanCursor, scanStart, scanTasks } from "./scan-tasks.ts";
import { readStoredTasks, type StoredState, type StoredTask } from "./stored-task.ts";
import { compileFilter, type TaskFilter } from "./task-filter.ts";
import { walkPlaces } from "./walk-places.ts";

/** What a search may cost at most. */
export interface SearchOptions extends SendOptions {
  /** It ends with so many tasks found. Default 100. */
  readonly limit?: number | undefined;
  /** It ends when so many tasks were looked at. Default 10,000. */
  readonly maxLooked?: number | undefined;
  /** It ends when so many bytes of messages were read, and a look more. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

/** What a search found. */
export interface FoundTasks {
  readonly tasks: readonly StoredTask[];
  /** How many tasks were looked at, those that cannot be read among them. */
  readonly looked: number;
  /** Of those looked at, how many cannot be read: none of them is found. */
  readonly unreadable: number;
  /** Whether it ended before it had looked everywhere, since that would have cost more than it may. */
  readonly incomplete: boolean;
}

/** Most wanted first. */
const everyState = [
  "active",
  "retry",
  "archived",
  "pending",
  "scheduled",
  "aggregating",
  "completed",
  "js:quarantine",
] as const satisfies readonly StoredState[];

/**
 * Looks for tasks by id, type, error, a field of the payload or anything else, for no more than it may cost: 250 tasks a look, each a
 * millisecond or two of Redis. A task whose very id is asked for is found at once, in whatever state. What moves meanwhile may be missed. Reads only.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 */
export async function searchTasks(
  broker: Broker,
  queue: string,
  filter: TaskFilter,
  { limit = 100, maxLooked = 10_000, maxBytes = 64 * 1024 * 1024, ...options }: SearchOptions = {},
): Promise<FoundTasks> {
  const isMeant = compileFilter(filter);
  for (const [name, value] of Object.entries({ limit, maxLooked, maxBytes })) demand(value >= 1, name, "expected a number from 1");
  const { states = everyState, group } = filter;
  if (filter.id !== undefined) {
    const [got] = await getTasks(broker, queue, [filter.id], options);
    const { task } = got ?? {};
    if (task !== undefined && states.includes(task.state) && isMeant(task))
      return { tasks: [task], looked: 1, unreadable: 0, incomplete: false };
  }

  const found = new Map<string, StoredTask>();
  let looked = 0;
  let unreadable = 0;
  let bytes = 0;
  const nowMs = broker.clock.nowMs();
  const answer = (incomplete: boolean): FoundTasks => ({ tasks: [...found.values()], looked, unreadable, incomplete });
  for await (const place of walkPlaces(broker, queue, states, group, options)) {
    for (let cursor: ScanCursor | undefined = scanStart; cursor !== undefined; ) {
      if (looked >= maxLooked || bytes >= maxBytes) return answer(true);
      const page = await scanTasks(broker, queue, place, cursor, options);
      const read = readStoredTasks(queue, page.found, nowMs);
      looked += page.found.length;
      unreadable += read.unreadable.length;
      for (const { msg, result } of page.found) bytes += (msg?.length ?? 0) + (result?.length ?? 0);
      for (const task of read.tasks) {
        if (!isMeant(task)) continue;
        if (found.size >= limit && !found.has(task.id)) return answer(true);
        found.set(task.id, task);
      }
      cursor = page.next;
    }
  }
  return answer(false);
}
