import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { semaphoreKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";

/** A task that asks for a token of a semaphore, or gives it back. */
export interface TokenHolder {
  /** What the semaphore limits: one name for all who share it. No braces. */
  readonly scope: string;
  readonly taskId: string;
}

/**
 * Takes a token where one is free. A task that holds one keeps it, with its new end: Asynq refuses it while the semaphore is full, which
 * shuts a task that lost its worker out by its own token.
 * @see Asynq x/rate/semaphore.go, `acquireCmd`
 */
export const acquireTokenScript = defineScript({
  name: "acquire-token",
  effect: "record",
  keys: ["holders"],
  args: { task_id: "text", max_tokens: "text", now_s: "text", until_s: "text" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("zset", holders) then return wrong_container() end
    redis.call("ZREMRANGEBYSCORE", holders, "-inf", tonumber(now_s) - 1)
    if not redis.call("ZSCORE", holders, task_id) and redis.call("ZCARD", holders) >= tonumber(max_tokens) then return remember("f") end
    redis.call("ZADD", holders, until_s, task_id)
    return remember("a")
  `,
  decode: decodeVerdicts({ a: "acquired", f: "full" }),
});

/** Gives a token back. @see Asynq x/rate/semaphore.go, `Release` */
export const releaseTokenScript = defineScript({
  name: "release-token",
  effect: "record",
  allowOom: true,
  keys: ["holders"],
  args: { task_id: "text" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("zset", holders) then return wrong_container() end
    return remember(redis.call("ZREM", holders, task_id) == 1 and "r" or "n")
  `,
  decode: decodeVerdicts({ r: "released", n: "not-held" }),
});

/**
 * Takes one of `maxTokens` tokens for a task, until `untilMs` at the latest: a holder that dies gives it back by then. Answers whether there was one.
 * Shared with Go's holders of the same scope.
 *
 * May be repeated: yes; a task holds one token of a scope, however often it asks.
 * @throws {RedisError}
 */
export async function acquireToken(
  broker: Broker,
  { scope, taskId, maxTokens, untilMs }: TokenHolder & { readonly maxTokens: number; readonly untilMs: number },
  options: SendOptions = {},
): Promise<boolean> {
  const [verdict] = await run(
    broker,
    bind(acquireTokenScript, {
      queue: semaphoreKey(scope),
      keys: { holders: semaphoreKey(scope) },
      args: { task_id: taskId, max_tokens: maxTokens, now_s: unixSec(broker.clock.nowMs()), until_s: unixSec(untilMs) },
    }),
    options,
  );
  return verdict === "acquired";
}

/**
 * Gives a task's token back. Answers whether it held one: false when its time was over, and somebody else may have it.
 *
 * May be repeated: yes.
 * @throws {RedisError}
 */
export async function releaseToken(broker: Broker, { scope, taskId }: TokenHolder, options: SendOptions = {}): Promise<boolean> {
  const [verdict] = await run(
    broker,
    bind(releaseTokenScript, { queue: semaphoreKey(scope), keys: { holders: semaphoreKey(scope) }, args: { task_id: taskId } }),
    options,
  );
  return verdict === "released";
}
