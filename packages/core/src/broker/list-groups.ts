import type { Broker } from "../broker.ts";
import { decodePage, readReply } from "../decode-reply.ts";
import { groupsKey } from "../keys.ts";
import type { Command, Reply, SendOptions } from "../redis.ts";
import type { Outcome } from "../script.ts";
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
  return ask(redis, scanOf(queue, cursor), decodeGroups, options);
}

/**
 * The first such page of each of the queues, all in one request, in order. Reads only.
 * @throws {RedisError} the way to Redis failed
 */
export async function listGroupsOf({ redis }: Broker, queues: readonly string[], options: SendOptions = {}): Promise<Outcome<GroupPage>[]> {
  if (queues.length === 0) return [];
  const results = await redis.send(
    queues.map((queue) => scanOf(queue, "0")),
    options,
  );
  return results.map(({ reply, error }) => (error === undefined ? { value: readReply(reply, decodeGroups) } : { error }));
}

function scanOf(queue: string, cursor: string): Command {
  return ["SSCAN", groupsKey(queue), cursor, "COUNT", "100"];
}

function decodeGroups(reply: Reply): GroupPage {
  const { items, cursor } = decodePage(reply);
  return { groups: items, cursor: cursor === "0" ? undefined : cursor };
}
