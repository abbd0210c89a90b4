import type { Broker } from "../broker.ts";
import { actOnTasks } from "../lua/act-on-tasks.ts";
import { containers } from "../lua/containers.ts";
import { isHome } from "../lua/is-home.ts";
import { leavePlace } from "../lua/leave-place.ts";
import { type BoundScript, bind, defineScript } from "../script.ts";
import { type AllOptions, type AllReport, actOnAll } from "./act-on-all.ts";
import { actOnNamed, type NamedOptions } from "./act-on-named.ts";
import type { TaskPlace } from "./list-tasks.ts";
import { decodeVerb, type TaskVerdict, type VerbReply, type VerbValues, verbNames } from "./task-verbs.ts";

/**
 * pending | scheduled | retry | archived | completed | aggregating -> gone, with the locks they still own; of the first of a place, until about
 * 1 MiB of messages is freed. A hash that is in no container, such as Go's inspector leaves of a trimmed task, goes too when it is named.
 * @see Asynq internal/rdb/inspect.go, `deleteTaskCmd`, `deleteAllCmd`, `deleteAllPendingCmd`, `deleteAllAggregatingCmd`
 */
export const deleteTasksScript = defineScript({
  name: "delete-tasks",
  effect: "record",
  allowOom: true,
  ...verbNames,
  lua: /* lua */ `
    ${containers}
    ${isHome}
    ${leavePlace}
    local takes = { pending = true, scheduled = true, retry = true, archived = true, completed = true, aggregating = true }
    local bytes_left = 1048576
    local function is_full() return bytes_left <= 0 end
    local function bring(id, task)
      bytes_left = bytes_left - redis.call("HSTRLEN", task, "msg")
      local lock = redis.call("HGET", task, "unique_key")
      redis.call("DEL", task)
      if lock and redis.pcall("GET", lock) == id then redis.call("DEL", lock) end
    end
    ${actOnTasks}
    if is_any_wrong() then return wrong_container() end
    local verdicts
    if limit == "" then
      verdicts = act_on_named()
      for_each_item(id) do
        local task = prefix .. "t:" .. id
        local is_ghost = verdicts[item] == "m" or verdicts[item] == "n" and redis.call("TYPE", task).ok == "hash"
        if is_ghost and is_home(id, "active") == false then
          bring(id, task)
          verdicts[item] = "d"
        end
      end
    else
      verdicts = act_on_first()
    end
    return remember(table.concat(verdicts) .. ",0")
  `,
  decode: decodeVerb,
});

const bindDelete = (values: VerbValues): BoundScript<VerbReply> => bind(deleteTasksScript, values);

/**
 * Deletes tasks that no worker has, with the unique locks they hold; one verdict each, in order.
 *
 * May be repeated: yes; called again it answers `not-found`.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `DeleteTask`
 */
export async function deleteTasks(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  options: NamedOptions = {},
): Promise<TaskVerdict[]> {
  const { verdicts } = await actOnNamed(broker, queue, ids, bindDelete, options);
  return verdicts;
}

/**
 * Deletes all tasks of a state, or those of a group that are `aggregating`, with the unique locks they hold, 100 at a time.
 *
 * May be repeated: yes; called again it goes on.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `DeleteAllPendingTasks` and its neighbours
 */
export function deleteAllTasks(
  broker: Broker,
  queue: string,
  place: TaskPlace & { readonly state: "pending" | "scheduled" | "retry" | "archived" | "completed" | "aggregating" },
  options: AllOptions = {},
): Promise<AllReport> {
  return actOnAll(broker, queue, place, bindDelete, options);
}
