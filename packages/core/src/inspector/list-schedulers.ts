import { listSchedulerEnqueueEvents, listSchedulerEntries } from "../broker/scheduler-entries.ts";
import type { Broker } from "../broker.ts";
import { readOptionTexts } from "../cron/option-text.ts";
import type { EnqueueOptions } from "../options.ts";
import type { SendOptions } from "../redis.ts";
import { decodeSchedulerEnqueueEvent, decodeSchedulerEntry } from "../wire/scheduler-entry.ts";
import { readable, toDate } from "./list-servers.ts";
import { checkPage, type PageOptions } from "./list-tasks.ts";

/** A periodic task of a scheduler that lives. Asynq: `SchedulerEntry`. */
export interface ListedEntry {
  readonly id: string;
  /** The cron spec as it was given. */
  readonly spec: string;
  readonly taskType: string;
  readonly taskPayload: Uint8Array | undefined;
  /** Options in Asynq's text form, such as `Queue("low")`. */
  readonly opts: readonly string[];
  /** The same, read: what cannot be read is left out. */
  readonly options: EnqueueOptions;
  readonly next: Date | undefined;
  /** When it was last enqueued; `undefined` when never. */
  readonly prev: Date | undefined;
}

/** A task that a scheduler enqueued. Asynq: `SchedulerEnqueueEvent`. */
export interface ListedEvent {
  readonly taskId: string;
  readonly enqueuedAt: Date | undefined;
}

/**
 * The periodic tasks of all schedulers that live. What cannot be read is passed over.
 * @throws {RedisError}
 * @see Asynq inspector.go, `SchedulerEntries`
 */
export async function describeSchedulerEntries(broker: Broker, options: SendOptions = {}): Promise<ListedEntry[]> {
  const stored = await listSchedulerEntries(broker, options);
  return stored.flatMap((bytes) => {
    const entry = readable(() => decodeSchedulerEntry(bytes, "an entry of a scheduler"));
    if (entry === undefined) return [];
    const { id, spec, taskType, taskPayload, enqueueOptions, nextEnqueueAtNs, prevEnqueueAtNs } = entry;
    return [
      {
        id,
        spec,
        taskType,
        taskPayload,
        opts: enqueueOptions,
        options: readOptionTexts(enqueueOptions),
        next: toDate(nextEnqueueAtNs),
        prev: toDate(prevEnqueueAtNs),
      },
    ];
  });
}

/**
 * What an entry enqueued, newest first. What cannot be read is passed over.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 * @see Asynq inspector.go, `ListSchedulerEnqueueEvents`
 */
export async function describeEnqueueEvents(
  broker: Broker,
  entryId: string,
  { page, pageSize, ...options }: PageOptions & SendOptions = {},
): Promise<ListedEvent[]> {
  const { start, pageSize: size } = checkPage({ page, pageSize });
  const stored = await listSchedulerEnqueueEvents(broker, entryId, { page: start / size + 1, size }, options);
  return stored.flatMap((bytes) => {
    const event = readable(() => decodeSchedulerEnqueueEvent(bytes, "an event of a scheduler"));
    return event === undefined ? [] : [{ taskId: event.taskId, enqueuedAt: toDate(event.enqueuedAtNs) }];
  });
}
