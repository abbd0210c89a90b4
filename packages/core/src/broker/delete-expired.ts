import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { decodeCounts, toNextSec } from "../decode-reply.ts";
import { archivedKey, completedKey, queuePrefix } from "../keys.ts";
import { limitsOf } from "../limits.ts";
import { containers } from "../lua/containers.ts";
import { deleteTasks } from "../lua/delete-tasks.ts";
import { headSecond } from "../lua/head-second.ts";
import { trimArchive } from "../lua/trim-archive.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, type Outcome, runAll } from "../script.ts";

/** How many tasks of each kind a call deletes at most: Asynq's number, and the most that may be asked for. */
export const defaultJanitorBatchSize = 100;
export const maxJanitorBatchSize = 1000;

export interface ExpiredCounts {
  /** Completed tasks whose retention has ended. */
  readonly expired: number;
  /** Completed tasks beyond `completedMaxSize`. */
  readonly completedTrimmed: number;
  /** Archived tasks that are too old or too many. */
  readonly trimmed: number;
  /** Ids of completed tasks whose hash was gone, or is of a task that is elsewhere by now: dropped. */
  readonly dangling: number;
  /** Whether more may be due. */
  readonly more: boolean;
  /** The second at which the next of those that are left is over by its retention or its age, where none may be already. */
  readonly nextSec: number | undefined;
}

/**
 * completed | archived -> gone: what its retention or a limit does not keep any longer, oldest first. Asynq trims the archive only when
 * something is archived.
 * @see Asynq internal/rdb/rdb.go, `deleteExpiredCompletedTasksCmd`, `archiveCmd`
 */
export const deleteExpiredScript = defineScript({
  name: "delete-expired",
  effect: "record",
  allowOom: true,
  keys: ["completed", "archived"],
  args: { prefix: "text", now_s: "text", completed_max: "text", archive_cutoff_s: "text", archive_max: "text", limit: "text" },
  lua: /* lua */ `
    ${containers}
    ${deleteTasks}
    ${trimArchive}
    ${headSecond}
    if is_wrong("zset", completed) or is_wrong("zset", archived) then return wrong_container() end
    limit = tonumber(limit)
    local ids = redis.call("ZRANGEBYSCORE", completed, "-inf", now_s, "LIMIT", 0, limit)
    local expired, dropped, cut = delete_tasks(completed, ids, "completed")
    local more = cut or #ids == limit
    local completed_trimmed = 0
    if completed_max ~= "" and not more then
      local over = redis.call("ZCARD", completed) - tonumber(completed_max)
      if over > 0 then
        local deleted, gone, left = delete_tasks(completed, redis.call("ZRANGE", completed, 0, math.min(over, limit) - 1), "completed")
        completed_trimmed = deleted
        dropped = dropped + gone
        more = left or over > limit
      end
    end
    local trimmed, more_archived = trim_archive({}, limit)
    local next_s, oldest = head_second(completed), head_second(archived)
    if oldest > 0 then
      oldest = oldest + now_s - archive_cutoff_s
      next_s = next_s > 0 and math.min(next_s, oldest) or oldest
    end
    local reply = table.concat({ expired, completed_trimmed, trimmed, dropped, (more or more_archived) and 1 or 0, next_s }, ",")
    return expired + completed_trimmed + trimmed + dropped > 0 and remember(reply) or reply
  `,
  decode: (reply): ExpiredCounts => {
    const { next, ...counts } = decodeExpired(reply);
    const more = counts.more === 1;
    return { ...counts, more, nextSec: toNextSec(more, next) };
  },
});

const decodeExpired = decodeCounts("expired", "completedTrimmed", "trimmed", "dangling", "more", "next");

/**
 * Deletes, in each of the queues, at most `batchSize` completed tasks whose retention has ended or that are too many, and as many archived
 * ones that are too old or too many; one call per queue, all in one request; what became of each, in order.
 *
 * May be repeated: by the port, as the same call; called again it deletes what is due next.
 * @throws {RedisError} the way to Redis failed
 */
export function deleteExpired(
  broker: Broker,
  queues: readonly string[],
  { batchSize = defaultJanitorBatchSize, ...options }: SendOptions & { readonly batchSize?: number | undefined } = {},
): Promise<Outcome<ExpiredCounts>[]> {
  const nowSec = unixSec(broker.clock.nowMs());
  const { archiveMaxAgeSec, archiveMaxSize, completedMaxSize } = limitsOf(broker);
  return runAll(
    broker,
    queues.map((queue) =>
      bind(deleteExpiredScript, {
        queue,
        keys: { completed: completedKey(queue), archived: archivedKey(queue) },
        args: {
          prefix: queuePrefix(queue),
          now_s: nowSec,
          completed_max: completedMaxSize ?? "",
          archive_cutoff_s: nowSec - archiveMaxAgeSec,
          archive_max: archiveMaxSize,
          limit: batchSize,
        },
      }),
    ),
    options,
  );
}
