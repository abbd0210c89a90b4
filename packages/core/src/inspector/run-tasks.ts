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
 * scheduled | retry | archived | completed | aggregating -> pending. A task begins to wait now, and what was counted of lost workers is gone.
 * @see Asynq internal/rdb/inspect.go, `runTaskCmd`, `runAllCmd`, `runAllAggregatingCmd`
 */
export const runTasksScript = defineScript({
  name: "run-tasks",
  effect: "record",
  ...verbNames,
  lua: /* lua */ `
    ${containers}
    ${isHome}
    ${leavePlace}
    local takes = { scheduled = true, retry = true, archived = true, completed = true, aggregating = true }
    local function is_full() return false end
    local function bring(id, task)
      redis.call("LPUSH", pending, id)
      redis.call("HSET", task, "state", "pending", "pending_since", now_ns)
      redis.call("HDEL", task, "js:recovered", "js:handed_back")
    end
    ${actOnTasks}
    if is_any_wrong() then return wrong_container() end
    return remember(table.concat(limit == "" and act_on_named() or act_on_first()) .. ",0")
  `,
  decode: decodeVerb,
});

const bindRun = (values: VerbValues): BoundScript<VerbReply> => bind(runTasksScript, values);

/**
 * Makes tasks pending at once, whatever they wait for, archived and completed ones too; one verdict each, in order. Their messages stay: one
 * that has no retries left is archived again when it fails (`redriveTasks` lets it begin anew).
 *
 * May be repeated: yes; called again it answers `pending`.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `RunTask`
 */
export async function runTasks(broker: Broker, queue: string, ids: readonly string[], options: NamedOptions = {}): Promise<TaskVerdict[]> {
  const { verdicts } = await actOnNamed(broker, queue, ids, bindRun, options);
  return verdicts;
}

/**
 * Makes all scheduled, retry, archived, completed or, of a group, aggregating tasks pending: the first to run first, 100 at a time.
 *
 * May be repeated: yes; called again it goes on.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `RunAllScheduledTasks` and its neighbours
 */
export function runAllTasks(
  broker: Broker,
  queue: string,
  place: TaskPlace & { readonly state: "scheduled" | "retry" | "archived" | "completed" | "aggregating" },
  options: AllOptions = {},
): Promise<AllReport> {
  return actOnAll(broker, queue, place, bindRun, options);
}
