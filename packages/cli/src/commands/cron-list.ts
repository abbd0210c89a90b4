import type { Broker } from "@asynqjs/core";
import type { CronEntry } from "@asynqjs/core/cron";
import type { ListedEntry } from "@asynqjs/core/inspector";
import type { CliContext } from "../cli-context.ts";
import { printableText } from "../format/bytes.ts";
import { roundedDuration } from "../format/duration.ts";
import { table } from "../format/table.ts";
import { couldNot } from "./could-not.ts";
import { bytesJson } from "./task-json.ts";

/** What schedulers tell of, and what is stored in Redis and not told: what is paused, or new since the last tick. */
export async function listEntries(context: CliContext): Promise<void> {
  const inspector = await context.inspector();
  const { listCronEntries } = await import("@asynqjs/core/cron");
  const [told, { entries: stored, unreadable }, toldByTick] = await Promise.all([
    couldNot("fetch scheduler entries", inspector.schedulerEntries()),
    couldNot("fetch scheduler entries", listCronEntries(inspector.broker)),
    couldNot("fetch scheduler entries", idsToldByTick(inspector.broker)),
  ]);
  const storedIds = new Set(stored.map(({ id }) => id));
  const missing = toldByTick.filter((id) => !storedIds.has(id));
  const removed = await couldNot("fetch scheduler entries", removedOf(inspector.broker, missing));
  const nowMs = context.clock.nowMs();
  const paused = new Set(stored.filter((entry) => entry.paused).map(({ id }) => id));
  const entries = [
    // What was told before it was paused.
    ...told.filter(({ id }) => !paused.has(id) && !removed.has(id)),
    ...(await untold(
      inspector.broker,
      stored.filter(({ id }) => paused.has(id) || !told.some((entry) => entry.id === id)),
      nowMs,
    )),
  ].sort((a, b) => (a.spec === b.spec ? 0 : a.spec < b.spec ? -1 : 1));

  for (const { message } of unreadable) context.warn(`a cron entry cannot be shown: ${message}`);
  if (context.json) {
    context.printJson(
      entries.map(({ taskPayload, ...entry }) => ({ ...entry, taskPayload: bytesJson(taskPayload), paused: paused.has(entry.id) })),
    );
    return;
  }
  if (entries.length === 0) return context.print("No scheduler entries");
  const rows = entries.map(({ id, spec, taskType, taskPayload, opts, next, prev }) => [
    ...[id, spec, taskType, printableText(taskPayload), `[${opts.join(" ")}]`],
    paused.has(id) ? "Paused" : nextText(next, nowMs),
    prev === undefined ? "N/A" : `${roundedDuration(nowMs - prev.getTime())} ago`,
  ]);
  context.show(table(["EntryID", "Spec", "Type", "Payload", "Options", "Next", "Prev"], rows));
}

async function idsToldByTick({ redis }: Broker): Promise<string[]> {
  const [{ schedulerKey }, { cronSchedulerId }, { decodeSchedulerEntry }] = await Promise.all([
    import("@asynqjs/core"),
    import("@asynqjs/core/cron"),
    import("@asynqjs/core/wire"),
  ]);
  const [told] = await redis.send([["LRANGE", schedulerKey(cronSchedulerId), "0", "-1"]]);
  if (told!.error !== undefined) throw told!.error;
  return (told!.reply as readonly Uint8Array[]).flatMap((bytes) => {
    try {
      return [decodeSchedulerEntry(bytes, "an entry of a scheduler").id];
    } catch {
      // The list of schedulers passes it over too.
      return [];
    }
  });
}

/** Those that are not in Redis at all; one that cannot be read is. What was told of them stays until the next tick. */
async function removedOf({ redis }: Broker, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const { cronEntriesKey } = await import("@asynqjs/core");
  const [stored] = await redis.send([["HMGET", cronEntriesKey, ...ids]]);
  if (stored!.error !== undefined) throw stored!.error;
  return new Set(ids.filter((_, nth) => (stored!.reply as readonly unknown[])[nth] === null));
}

function nextText(next: Date | undefined, nowMs: number): string {
  const inText = roundedDuration((next?.getTime() ?? 0) - nowMs);
  return inText.startsWith("-") ? "Now" : `In ${inText}`;
}

async function untold(broker: Broker, entries: readonly CronEntry[], nowMs: number): Promise<ListedEntry[]> {
  if (entries.length === 0) return [];
  const [{ nextSlot, optionTexts, readClaims, slotOf }, { slotsBetween }] = await Promise.all([
    import("@asynqjs/core/cron"),
    import("@asynqjs/cron-fn"),
  ]);
  const claims = await couldNot("fetch scheduler entries", readClaims(broker, entries));
  return entries.map((entry, nth) => {
    const { id, spec, type, payload, queue, headers } = entry;
    const options = { queue, ...entry.options, headers };
    const nextSec = nextSlot(entry, Math.floor(nowMs / 1000), slotsBetween);
    const ran = claims[nth]!.value?.ran;
    return {
      ...{ id, spec, taskType: type, taskPayload: payload, opts: optionTexts(options), options },
      next: dateOf(nextSec),
      // As the tick tells it.
      prev: dateOf(ran && (slotOf(ran.taskId) ?? ran.atSec)),
    };
  });
}

function dateOf(sec: number | undefined): Date | undefined {
  return sec === undefined ? undefined : new Date(sec * 1000);
}
