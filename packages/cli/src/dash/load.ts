import type { LogLine } from "@asynqjs/core";
import { type GroupInfo, type Inspector, listGroupSizes, listTasks, readQueueInfos, type UnreadableTask } from "@asynqjs/core/inspector";
import type { Loaded, Request } from "./request.ts";
import type { TaskRow } from "./state.ts";

/** So many groups are listed of a queue that has more. */
const mostGroups = 10_000;
/** So long one answer is waited for. */
const patienceMs = 3_000;

/** Reads what a screen shows, and no more. @throws {RedisError} */
export async function load(inspector: Inspector, request: Request, signal: AbortSignal): Promise<Loaded> {
  const options = { signal, timeoutMs: patienceMs };
  if (request.of === "queues") {
    const names = await inspector.queues(options);
    const needle = request.filter.toLowerCase();
    const listed = needle === "" ? names : names.filter((name) => name.toLowerCase().includes(needle));
    const shown = listed.slice(request.first, request.first + request.count);
    const outcomes = await readQueueInfos(inspector.broker, shown, options);
    const infos = outcomes.flatMap(({ value }) => value ?? []);
    // One that cannot be read, as with a key of a wrong type, hides no other.
    return { of: "queues", names, infos, broken: shown.filter((_, i) => outcomes[i]!.error !== undefined) };
  }
  const { queue, tab, group, page, pageSize } = request;
  const [info, tasks, groups, found, opened] = await Promise.all([
    readInfo(inspector, queue, options),
    request.wantsTasks ? listTasks(inspector.broker, queue, { state: tab, group }, { page, pageSize, ...options }) : undefined,
    request.wantsGroups ? listGroups(inspector, queue, options) : undefined,
    request.search && inspector.searchTasks(queue, request.search, options).catch(orNone),
    request.opened === undefined ? undefined : readTask(inspector, queue, request.opened, options),
  ]);
  return {
    of: "queue",
    queue,
    info,
    tasks: tasks && [...tasks.tasks, ...tasks.unreadable.map(toRow)],
    groups: groups?.groups,
    hasMoreGroups: groups?.hasMore ?? false,
    found: request.search && (found ?? { tasks: [], looked: 0, unreadable: 0, incomplete: false }),
    opened,
  };
}

type LoadedQueue = Loaded & { readonly of: "queue" };

interface Patience {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

function toRow({ id, why }: UnreadableTask): TaskRow {
  return { id, why };
}

async function readInfo(
  inspector: Inspector,
  queue: string,
  options: Patience,
): Promise<Awaited<ReturnType<Inspector["getQueueInfo"]>> | undefined> {
  return inspector.getQueueInfo(queue, options).catch(orNone);
}

async function readTask(inspector: Inspector, queue: string, id: string, options: Patience): Promise<NonNullable<LoadedQueue["opened"]>> {
  try {
    const [task, log] = await Promise.all([inspector.getTaskInfo(queue, id, options), readLog(inspector, queue, id, options)]);
    return { id, task, log };
  } catch (error) {
    if (codeOf(error) === "DECODE") return { id, why: (error as Error).message };
    orNone(error);
    return { id };
  }
}

async function readLog(inspector: Inspector, queue: string, id: string, options: Patience): Promise<LogLine[]> {
  try {
    return await inspector.getTaskLogs(queue, id, options);
  } catch (error) {
    if (codeOf(error) === "DECODE") return [];
    throw error;
  }
}

async function listGroups(
  inspector: Inspector,
  queue: string,
  options: Patience,
): Promise<{ groups: readonly GroupInfo[]; hasMore: boolean }> {
  const found = new Map<string, GroupInfo>();
  let cursor: string | undefined = "0";
  while (cursor !== undefined && found.size < mostGroups) {
    const page = await listGroupSizes(inspector.broker, queue, cursor, options);
    for (const info of page.groups) found.set(info.group, info);
    cursor = page.cursor;
  }
  return { groups: [...found.values()].sort((a, b) => (a.group < b.group ? -1 : 1)), hasMore: cursor !== undefined };
}

/** What is not there is no failure: it is shown so. */
function orNone(error: unknown): undefined {
  if (codeOf(error) !== "QUEUE_NOT_FOUND" && codeOf(error) !== "TASK_NOT_FOUND") throw error;
  return undefined;
}

function codeOf(error: unknown): unknown {
  return (Object(error) as { readonly code?: unknown }).code;
}
