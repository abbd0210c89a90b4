import { encodeText } from "../encode-text.ts";
import { hex } from "../hex.ts";
import { md5 } from "../md5.ts";
import type { CronEntryTerms } from "./cron-entry.ts";
import { optionTexts } from "./option-text.ts";

/**
 * An id made of what is enqueued and when: who says the same means the same entry, in whatever process. What becomes of missed and of
 * overlapping slots is no part of it, so that it may be changed.
 * @see Asynq periodic_task_manager.go, `PeriodicTaskConfig.hash`
 */
export function entryIdOf({ spec, timeZone, type, payload, queue, options, headers }: Omit<CronEntryTerms, "id">): string {
  const texts = optionTexts({ ...options, queue, headers }).sort();
  return hex(md5(encodeText(JSON.stringify([spec, timeZone, type, payload === undefined ? null : hex(payload), texts]))), true);
}
