import type { Broker } from "../broker.ts";
import { stateContainers } from "../containers.ts";
import { demand } from "../demand.ts";
import { InvalidOptionError } from "../errors.ts";
import { groupKey, leaseKey, queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeRawRows, mostOfLook, tellRows } from "./raw-rows.ts";
import { type RawTask, readStoredTasks, type StoredState, type StoredTask, type UnreadableTask } from "./stored-task.ts";

/** Which tasks of a queue: those of a state, which are those of a group where it is `aggregating`. */
export interface TaskPlace {
  readonly state: StoredState;
  readonly group?: string | undefined;
}

/** Which part of a list. Asynq: `Page`, `PageSize`. */
export interface PageOptions {
  /** From 1, which is the default. */
  readonly page?: number | undefined;
  /** From 1 to 1,000. Default 30. Asynq takes 0 for all there is, which of a long queue nobody can hold. */
  readonly pageSize?: number | undefined;
}

/** A page of tasks; an id that cannot be shown takes its place on the page too. */
export interface TaskPage {
  readonly tasks: readonly StoredTask[];
  readonly unreadable: readonly UnreadableTask[];
}

const maxPageSize = 1_000;

/** Ids from a place on, in the order in which they are next, with what is shown of them. */
export const listTasksScript = defineScript({
  name: "list-tasks",
  effect: "read",
  keys: ["container", "lease"],
  args: { prefix: "text", state: "text", kind: "text", start: "text", count: "text", max_bytes: "text" },
  lua: /* lua */ `
    local ids, scores = {}, {}
    if kind == "list" then
      local found = redis.call("LRANGE", container, -(start + count), -(start + 1))
      for i = #found, 1, -1 do ids[#ids + 1] = found[i] end
    else
      local found = redis.call("ZRANGE", container, start, start + count - 1, "WITHSCORES")
      for i = 1, #found, 2 do ids[#ids + 1], scores[#scores + 1] = found[i], found[i + 1] end
    end
    ${tellRows}
  `,
  decode: decodeRawRows,
});

/** @throws {InvalidOptionError} */
export function checkPage({ page = 1, pageSize = 30 }: PageOptions): { readonly start: number; readonly pageSize: number } {
  demand(Number.isSafeInteger(page) && page >= 1, "page", "expected a whole number from 1");
  if (!(Number.isSafeInteger(pageSize) && pageSize >= 1 && pageSize <= maxPageSize))
    throw new InvalidOptionError("pageSize", `expected a whole number from 1 to ${maxPageSize}`);
  return { start: (page - 1) * pageSize, pageSize };
}

/** The key in which the tasks of a place stand, and its kind. @throws {InvalidOptionError} `aggregating` without a group */
export function containerOf(queue: string, { state, group }: TaskPlace): { readonly key: string; readonly kind: "list" | "zset" } {
  if (state !== "aggregating") return { key: queuePrefix(queue) + state, kind: stateContainers[state] };
  demand(group !== undefined && group !== "", "group", "expected the group whose tasks are meant");
  return { key: groupKey(queue, group), kind: "zset" };
}

/**
 * A page of the tasks of a state, in Asynq's order: pending and active ones that came first first, the others by their time; archived and
 * completed ones by it too, the oldest first. What moves between two looks at a page of large tasks may be on it twice, or not. Reads only.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `ListPending`, `ListScheduled` and their neighbours
 */
export async function listTasks(
  broker: Broker,
  queue: string,
  place: TaskPlace,
  { page, pageSize, ...options }: PageOptions & SendOptions = {},
): Promise<TaskPage> {
  const { start, pageSize: size } = checkPage({ page, pageSize });
  const { key, kind } = containerOf(queue, place);
  const nowMs = broker.clock.nowMs();
  const found: RawTask[] = [];
  for (let at = 0; at < size; ) {
    const count = Math.min(size - at, mostOfLook.tasks);
    const look = await run(
      broker,
      bind(listTasksScript, {
        queue,
        keys: { container: key, lease: leaseKey(queue) },
        args: { prefix: queuePrefix(queue), state: place.state, kind, start: start + at, count, max_bytes: mostOfLook.bytes },
      }),
      options,
    );
    found.push(...look.rows.map(({ printed: _, ...row }) => ({ ...row, state: place.state })));
    at += look.rows.length;
    if (look.rows.length === look.found && look.found < count) break;
  }
  return readStoredTasks(queue, found, nowMs);
}
