import type { Broker } from "../broker.ts";
import { actOnTasks } from "../lua/act-on-tasks.ts";
import { containers } from "../lua/containers.ts";
import { deleteTasks } from "../lua/delete-tasks.ts";
import { isHome } from "../lua/is-home.ts";
import { leavePlace } from "../lua/leave-place.ts";
import { trimArchive } from "../lua/trim-archive.ts";
import { type BoundScript, bind, defineScript } from "../script.ts";
import { type AllOptions, type AllReport, actOnAll } from "./act-on-all.ts";
import { actOnNamed, type NamedOptions } from "./act-on-named.ts";
import type { TaskPlace } from "./list-tasks.ts";
import { decodeVerb, type TaskVerdict, type VerbReply, type VerbValues, verbNames } from "./task-verbs.ts";

/**
 * pending | scheduled | retry | completed | aggregating -> archived. What the archive does not keep any longer is deleted with its locks;
 * Asynq's inspector leaves the hashes behind.
 * @see Asynq internal/rdb/inspect.go, `archiveTaskCmd`, `archiveAllCmd`, `archiveAllAggregatingCmd`
 */
export const archiveTasksScript = defineScript({
  name: "archive-tasks",
  effect: "record",
  ...verbNames,
  lua: /* lua */ `
    ${containers}
    ${isHome}
    ${leavePlace}
    ${deleteTasks}
    ${trimArchive}
    local takes = { pending = true, scheduled = true, retry = true, completed = true, aggregating = true }
    local kept = {}
    local function is_full() return false end
    local function bring(id, task)
      redis.call("ZADD", archived, now_s, id)
      redis.call("HSET", task, "state", "archived")
      redis.call("HDEL", task, "pending_since", "js:recovered", "js:handed_back")
      kept[id] = true
    end
    ${actOnTasks}
    if is_any_wrong() then return wrong_container() end
    local verdicts = limit == "" and act_on_named() or act_on_first()
    local trimmed = next(kept) and trim_archive(kept, 1000) or 0
    return remember(table.concat(verdicts) .. "," .. trimmed)
  `,
  decode: decodeVerb,
});

const bindArchive = (values: VerbValues): BoundScript<VerbReply> => bind(archiveTasksScript, values);

/** What became of tasks that were to be archived. */
export interface ArchivedTasks {
  /** One each, in order. */
  readonly verdicts: readonly TaskVerdict[];
  /** Archived tasks that were deleted to make room: the archive keeps 9,999 for 90 days, or what the limits say. */
  readonly trimmed: number;
}

/**
 * Archives tasks that wait, and completed ones: nobody runs them until they are told to. No failure is counted, and the message stays.
 *
 * May be repeated: yes; called again it answers `archived`.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `ArchiveTask`
 */
export function archiveTasks(broker: Broker, queue: string, ids: readonly string[], options: NamedOptions = {}): Promise<ArchivedTasks> {
  return actOnNamed(broker, queue, ids, bindArchive, options);
}

/**
 * Archives all pending, scheduled, retry or, of a group, aggregating tasks, 100 at a time; `trimmed` says how many had to go for it.
 *
 * May be repeated: yes; called again it goes on.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `ArchiveAllPendingTasks` and its neighbours
 */
export function archiveAllTasks(
  broker: Broker,
  queue: string,
  place: TaskPlace & { readonly state: "pending" | "scheduled" | "retry" | "completed" | "aggregating" },
  options: AllOptions = {},
): Promise<AllReport> {
  return actOnAll(broker, queue, place, bindArchive, options);
}
