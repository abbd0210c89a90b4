import type { Broker } from "../broker.ts";
import { decodePage } from "../decode-reply.ts";
import { groupsKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { ask } from "../send-plain.ts";

/** Some of a queue's groups, and where to go on. */
export interface GroupPage {
  readonly groups: readonly string[];
  /** Give it to the next call; absent at the end. */
  readonly cursor?: string | undefined;
}

/**
 * Lists some hundred groups of a queue that have, or had, tasks waiting. Asynq reads the whole index at once, which holds Redis for seconds
 * where a queue has a million groups. A group that is there all the time is listed; one may be listed twice. Reads only.
 * @throws {RedisError}
 * @see Asynq internal/rdb/rdb.go, `ListGroups`
 */
export async function listGroups({ redis }: Broker, queue: string, cursor = "0", options: SendOptions = {}): Promise<GroupPage> {
  const page = await ask(redis, ["SSCAN", groupsKey(queue), cursor, "COUNT", "100"], decodePage, options);
  return { groups: page.items, cursor: page.cursor === "0" ? undefined : page.cursor };
}
