import { listGroups } from "../broker/list-groups.ts";
import type { Broker } from "../broker.ts";
import { decodeCount, readReply } from "../decode-reply.ts";
import { groupKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";

/** A group and how many tasks wait in it. Asynq: `GroupInfo`. */
export interface GroupInfo {
  readonly group: string;
  /** Without those that are being aggregated. */
  readonly size: number;
}

/** Some of a queue's groups, and where to go on. */
export interface GroupSizePage {
  readonly groups: readonly GroupInfo[];
  /** Give it to the next call; absent at the end. */
  readonly cursor?: string | undefined;
}

/**
 * Some hundred groups of a queue with their sizes. One that is there all the time is listed; one may be listed twice. Reads only.
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `GroupStats`, which reads all at once
 */
export async function listGroupSizes(broker: Broker, queue: string, cursor = "0", options: SendOptions = {}): Promise<GroupSizePage> {
  const page = await listGroups(broker, queue, cursor, options);
  if (page.groups.length === 0) return { groups: [], cursor: page.cursor };
  const sizes = await sendPlain(
    broker.redis,
    page.groups.map((group) => ["ZCARD", groupKey(queue, group)]),
    options,
  );
  return { groups: page.groups.map((group, i) => ({ group, size: readReply(sizes[i]!, decodeCount) })), cursor: page.cursor };
}
