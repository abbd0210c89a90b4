import {
  activeKey,
  aggregationSetsKey,
  archivedKey,
  completedKey,
  failedTotalKey,
  groupsKey,
  pendingKey,
  processedTotalKey,
  quarantineKey,
  retryKey,
  scheduledKey,
} from "@asynqjs/core";
import type { Redis } from "ioredis";

/** How a queue stands in Redis, at one moment. */
export interface QueueCounts {
  readonly queue: string;
  readonly pending: number;
  readonly active: number;
  readonly scheduled: number;
  readonly retry: number;
  readonly archived: number;
  readonly completed: number;
  readonly quarantined: number;
  /** Groups whose tasks wait for each other, and sets of them that are being made one task. */
  readonly groups: number;
  /** Runs that ended, failures among them: Asynq's counter. */
  readonly processed: number;
  /** Runs that failed and were charged for it. */
  readonly failed: number;
}

/** Reads all queues in one transaction, so that no task is seen twice or between two places. */
export async function countTasks(redis: Redis, queues: readonly string[]): Promise<QueueCounts[]> {
  const reading = redis.multi();
  for (const queue of queues) {
    reading.llen(pendingKey(queue)).llen(activeKey(queue));
    for (const key of [scheduledKey, retryKey, archivedKey, completedKey, quarantineKey]) reading.zcard(key(queue));
    reading.scard(groupsKey(queue)).zcard(aggregationSetsKey(queue));
    reading.get(processedTotalKey(queue)).get(failedTotalKey(queue));
  }
  const replies = (await reading.exec()) ?? [];
  const numbers = replies.map(([error, reply]) => {
    if (error !== null) throw error;
    return Number(reply ?? 0);
  });
  const each = numbers.length / queues.length;
  return queues.map((queue, i) => {
    const [pending, active, scheduled, retry, archived, completed, quarantined, groups, sets, processed, failed] = numbers.slice(
      i * each,
    ) as [...Tuple11];
    return { queue, pending, active, scheduled, retry, archived, completed, quarantined, groups: groups + sets, processed, failed };
  });
}

type Tuple11 = [number, number, number, number, number, number, number, number, number, number, number];

/** Tasks that succeeded and were deleted at once, since they had no retention. */
export function done({ processed, failed, completed }: QueueCounts): number {
  return processed - failed - completed;
}

/** Failed runs that were followed by another try. A run that archived its task counts as failed too. */
export function retried({ failed, archived }: QueueCounts): number {
  return failed - archived;
}

/** Tasks that came to their end. */
export function ended(counts: QueueCounts): number {
  return done(counts) + counts.completed + counts.archived;
}

/** Tasks that will still run, and groups that will become one. */
export function waiting({ pending, active, scheduled, retry, groups }: QueueCounts): number {
  return pending + active + scheduled + retry + groups;
}

/** The sum over the queues of what `count` answers for each. */
export function total(counts: readonly QueueCounts[], count: (queue: QueueCounts) => number): number {
  return counts.reduce((sum, queue) => sum + count(queue), 0);
}
