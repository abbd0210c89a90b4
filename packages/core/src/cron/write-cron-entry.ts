import type { Broker } from "../broker.ts";
import { cronEntriesKey } from "../keys.ts";
import { containers } from "../lua/containers.ts";
import type { SendOptions } from "../redis.ts";
import { bind, defineScript, run } from "../script.ts";
import { decodeVerdicts } from "../verdicts.ts";
import { type CronEntry, encodeCronEntry } from "./cron-entry.ts";

/** `written`; or, with nothing written: it is `absent`, it `exists`, or was `changed` since it was read. */
export type WriteVerdict = "written" | "absent" | "exists" | "changed";

/** Compares the version and writes, in one step. The hash belongs to no queue; its own name is the hash tag of its call records. */
export const writeCronEntryScript = defineScript({
  name: "write-cron-entry",
  effect: "record",
  keys: ["entries"],
  args: { id: "text", read_version: "text", entry: "text" },
  lua: /* lua */ `
    ${containers}
    if is_wrong("hash", entries) then return wrong_container() end
    local stored = redis.call("HGET", entries, id)
    if not stored and read_version ~= "" then return remember("a") end
    if stored and read_version == "" then return remember("x") end
    if stored and string.sub(stored, 1, #read_version + 1) ~= read_version .. "\\n" then return remember("c") end
    if entry == "" then redis.call("HDEL", entries, id) else redis.call("HSET", entries, id, entry) end
    return remember("w")
  `,
  decode: decodeVerdicts<WriteVerdict>({ w: "written", a: "absent", x: "exists", c: "changed" }),
});

/**
 * Writes an entry in the place of the version that was read; without one it must not be there. `undefined` deletes it.
 *
 * May be repeated: by the port, as the same call.
 * @throws {RedisError}
 */
export async function writeCronEntry(
  broker: Broker,
  id: string,
  readVersion: string | undefined,
  entry: CronEntry | undefined,
  options: SendOptions = {},
): Promise<WriteVerdict> {
  const [verdict] = await run(
    broker,
    bind(writeCronEntryScript, {
      queue: cronEntriesKey,
      keys: { entries: cronEntriesKey },
      args: { id, read_version: readVersion ?? "", entry: entry === undefined ? "" : encodeCronEntry(entry) },
    }),
    options,
  );
  return verdict!;
}
