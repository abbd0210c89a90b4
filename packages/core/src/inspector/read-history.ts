import type { Broker } from "../broker.ts";
import { utcDay } from "../clock.ts";
import { decodeList } from "../decode-reply.ts";
import { InvalidOptionError } from "../errors.ts";
import { failedKey, processedKey } from "../keys.ts";
import type { Reply, SendOptions } from "../redis.ts";
import { ask } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

/** What a queue did on one day. Asynq: `DailyStats`. */
export interface DailyStats {
  readonly queue: string;
  /** Tasks that were run, those that failed among them. */
  readonly processed: number;
  readonly failed: number;
  /** The UTC day, as `2040-01-31`. */
  readonly day: string;
}

const dayMs = 24 * 3600_000;
/** Asynq keeps a day's counters for 90 days; one that was told to keep them longer is read too. */
const maxDays = 1_000;

/**
 * What a queue did today and on the days before, today first: `days` of them, each UTC. Asynq keeps them for 90 days; a day of which nothing
 * is kept is zeros. Reads only.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 * @see Asynq internal/rdb/inspect.go, `HistoricalStats`
 */
export async function readHistory(broker: Broker, queue: string, days: number, options: SendOptions = {}): Promise<DailyStats[]> {
  if (!(Number.isSafeInteger(days) && days >= 1 && days <= maxDays))
    throw new InvalidOptionError("days", `expected a whole number from 1 to ${maxDays}`);
  const nowMs = broker.clock.nowMs();
  const names = Array.from({ length: days }, (_, i) => utcDay(nowMs - i * dayMs));
  const keys = names.flatMap((day) => [processedKey(queue, day), failedKey(queue, day)]);
  const counts = await ask(broker.redis, ["MGET", ...keys], (reply) => decodeList(reply).map(toCount), options);
  return names.map((day, i) => ({ queue, processed: counts[2 * i] ?? 0, failed: counts[2 * i + 1] ?? 0, day }));
}

/** What is no number counts as 0. */
function toCount(reply: Reply): number {
  const text = reply === null ? "" : decodeText(reply);
  return /^\d{1,19}$/.test(text) ? Number(text) : 0;
}
