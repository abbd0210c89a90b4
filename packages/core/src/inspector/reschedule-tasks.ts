import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { demand } from "../demand.ts";
import { actOnTasks } from "../lua/act-on-tasks.ts";
import { containers } from "../lua/containers.ts";
import { isHome } from "../lua/is-home.ts";
import { leavePlace } from "../lua/leave-place.ts";
import { bind, defineScript } from "../script.ts";
import { actOnNamed, type NamedOptions } from "./act-on-named.ts";
import { decodeVerb, type TaskVerdict, verbNames } from "./task-verbs.ts";

/** pending | aggregating -> scheduled, and what is scheduled or in retry stays so with another time. */
export const rescheduleTasksScript = defineScript({
  name: "reschedule-tasks",
  effect: "record",
  keys: verbNames.keys,
  args: { ...verbNames.args, due_s: "text" },
  each: verbNames.each,
  lua: /* lua */ `
    ${containers}
    ${isHome}
    ${leavePlace}
    local takes = { pending = true, scheduled = true, retry = true, aggregating = true }
    local function is_full() return false end
    local function bring(id, task, state)
      if state == "retry" then
        redis.call("ZADD", retry, due_s, id)
      else
        redis.call("ZADD", scheduled, due_s, id)
        redis.call("HSET", task, "state", "scheduled")
        redis.call("HDEL", task, "pending_since")
      end
    end
    ${actOnTasks}
    if is_any_wrong() then return wrong_container() end
    return remember(table.concat(limit == "" and act_on_named() or act_on_first()) .. ",0")
  `,
  decode: decodeVerb,
});

/**
 * Lets tasks that wait, for a worker, a time, a retry or in a group, wait for another time: whole seconds, one that is past is the next round of
 * the forwarder. A task of a group goes back to it then. One verdict each, in order.
 *
 * May be repeated: yes, it writes the same.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 */
export async function rescheduleTasks(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  processAt: Date,
  options: NamedOptions = {},
): Promise<TaskVerdict[]> {
  demand(processAt instanceof Date && processAt.getTime() >= 0, "processAt", "expected a valid Date");
  const due_s = unixSec(processAt.getTime());
  const { verdicts } = await actOnNamed(
    broker,
    queue,
    ids,
    ({ args, ...values }) => bind(rescheduleTasksScript, { ...values, args: { ...args, due_s } }),
    options,
  );
  return verdicts;
}
