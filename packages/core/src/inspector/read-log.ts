import type { LogLine } from "../broker/write-log.ts";
import type { Broker } from "../broker.ts";
import { decodeOptional } from "../decode-reply.ts";
import { DecodeError } from "../errors.ts";
import { taskKey } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { ask } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

/**
 * The lines that a task's runs logged (`task.logWriter`), the oldest first; none where there is no such task. Reads only.
 * @throws {DecodeError} the field holds no such lines
 * @throws {RedisError}
 * @see JK-97/asynq inspector.go, `GetTaskLogs`
 */
export async function readLog({ redis }: Broker, queue: string, id: string, options: SendOptions = {}): Promise<LogLine[]> {
  const text = await ask(redis, ["HGET", taskKey(queue, id), "logs"], (reply) => decodeOptional(reply, decodeText), options);
  if (text === undefined || text === "") return [];
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    entries = undefined;
  }
  if (!Array.isArray(entries)) throw new DecodeError(`the log of task "${id}" of queue "${queue}"`, "it is no JSON array");
  return entries.map((entry: unknown) => {
    const { msg, ts } = Object(entry) as { readonly msg?: unknown; readonly ts?: unknown };
    const atMs = Date.parse(String(ts));
    return { message: String(msg ?? ""), atMs: Number.isNaN(atMs) ? 0 : atMs };
  });
}
