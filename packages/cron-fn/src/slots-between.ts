import { parseCronSpec, type SlotsBetween } from "@asynqjs/core/cron";
import { nextSlot } from "./next-slot.ts";
import { proposeDays } from "./propose-days.ts";
import { zoneOffsets } from "./zone-offsets.ts";

/**
 * The first `most` slots of an entry after one second and up to another, each a whole second, ascending: those at which Asynq's scheduler
 * would fire, had it fired at `afterSec`. What is `@every` so long is due at whole multiples of it after `anchorSec`.
 * @throws {CronSpecError} the spec cannot be read
 */
export const slotsBetween: SlotsBetween = (times, afterSec, untilSec, most) => {
  const spec = parseCronSpec(times.spec, times.timeZone);
  const slots: number[] = [];
  if (spec.kind === "every") {
    const { everySec } = spec;
    const passed = Math.floor((afterSec - times.anchorSec) / everySec);
    for (let slot = times.anchorSec + Math.max(1, passed + 1) * everySec; slot <= untilSec && slots.length < most; slot += everySec) {
      slots.push(slot);
    }
    return slots;
  }
  const [zone, proposeDay] = [zoneOffsets(spec.timeZone), proposeDays(spec)];
  for (let slot: number | undefined = Math.floor(afterSec); slots.length < most; slots.push(slot)) {
    slot = nextSlot(spec, zone, proposeDay, slot, untilSec);
    if (slot === undefined) break;
  }
  return slots;
};
