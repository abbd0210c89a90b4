import type { Broker } from "../broker.ts";
import { queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

export type ListName = "pending" | "active";

/** Reads so many ids of a list at once. */
const idsPerRead = 1_000;

/**
 * Reads a whole list; answers how often an id is in it. Reads only.
 * @throws {RedisError}
 */
export async function readList({ redis }: Broker, queue: string, list: ListName, options: SendOptions): Promise<(id: string) => number> {
  const counts = new Map<string, number>();
  for (let start = 0, read = idsPerRead; read === idsPerRead; start += idsPerRead) {
    const range = ["LRANGE", queuePrefix(queue) + list, String(start), String(start + idsPerRead - 1)];
    const [ids] = await sendPlain(redis, [range], options);
    read = (ids as readonly Uint8Array[]).length;
    for (const word of ids as readonly Uint8Array[]) {
      const id = decodeText(word);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return (id) => counts.get(id) ?? 0;
}
