import type { Broker } from "../broker.ts";
import { LeaseLostError } from "../errors.ts";
import { leaseKey, taskKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import { owns } from "../lua/owns.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";
import type { HeldTask } from "./extend-leases.ts";

/** Writes the field `result` of an active task, fenced by its lease. @see Asynq internal/rdb/rdb.go, `WriteResult`, which writes without looking */
export const writeResultScript = defineScript({
  name: "write-result",
  effect: "record",
  keys: ["lease", "task"],
  args: { id: "text", token: "text", result: "bytes" },
  lua: /* lua */ `
    ${containers}
    ${owns}
    if is_wrong("zset", lease) or is_wrong("hash", task) then return wrong_container() end
    if not owns(redis.call("ZSCORE", lease, id), token) or redis.call("HEXISTS", task, "msg") == 0 then return remember("l") end
    redis.call("HSET", task, "result", result)
    return remember("w")
  `,
  decode: decodeVerdicts({ w: "written", l: "lease-lost" }),
});

/**
 * Writes the result of a task that is ours; a later one replaces it. It stays as long as the task does: with `retentionSec` past its
 * completion. Answers how many bytes were written.
 *
 * May be repeated: yes.
 * @throws {LeaseLostError} the task belongs to someone else by now, or is settled: nothing was written
 * @throws {RedisError}
 */
export async function writeResult(
  broker: Broker,
  { queue, id, token }: HeldTask,
  result: Uint8Array,
  options: SendOptions = {},
): Promise<number> {
  const [verdict] = await run(
    broker,
    bind(writeResultScript, {
      queue,
      keys: { lease: leaseKey(queue), task: taskKey(queue, id) },
      args: { id, token, result },
    }),
    options,
  );
  if (verdict !== "written") throw new LeaseLostError(queue, id);
  return result.byteLength;
}
