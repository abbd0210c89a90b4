import { type CronFields, type CronSpec, parseCronSpec, type SlotsBetween } from "@asynqjs/core/cron";
import { nextSlot } from "./next-slot.ts";
import { type ProposeDay, proposeDays } from "./propose-days.ts";
import { type ZoneOffsets, zoneOffsets } from "./zone-offsets.ts";

/**
 * The first `most` slots of an entry after one second and up to another, each a whole second, ascending: those at which Asynq's scheduler
 * would fire, had it fired at `afterSec`. What is `@every` so long is due at whole multiples of it after `anchorSec`.
 * @throws {CronSpecError} the spec cannot be read
 */
export const slotsBetween: SlotsBetween = (times, afterSec, untilSec, most) => {
  const plan = planOf(times.spec, times.timeZone);
  const slots: number[] = [];
  if (plan.kind === "every") {
    const { everySec } = plan;
    const passed = Math.floor((afterSec - times.anchorSec) / everySec);
    for (let slot = times.anchorSec + Math.max(1, passed + 1) * everySec; slot <= untilSec && slots.length < most; slot += everySec) {
      slots.push(slot);
    }
    return slots;
  }
  const { fields, zone, proposeDay } = plan;
  for (let slot: number | undefined = Math.floor(afterSec); slots.length < most; slots.push(slot)) {
    slot = nextSlot(fields, zone, proposeDay, slot, untilSec);
    if (slot === undefined) break;
  }
  return slots;
};

/** A spec, and what its slots are found with. */
type Plan =
  | Extract<CronSpec, { readonly kind: "every" }>
  | { readonly kind: "fields"; readonly fields: CronFields; readonly zone: ZoneOffsets; readonly proposeDay: ProposeDay };

/** Kept over calls: a tick asks the same of each entry every minute, and the day it was proposed then is the same mostly. */
const plans = new Map<string, Plan>();
const mostPlans = 1_000;

function planOf(text: string, timeZone: string): Plan {
  const key = `${timeZone} ${text}`;
  let plan = plans.get(key);
  if (plan === undefined) {
    const spec = parseCronSpec(text, timeZone);
    plan = spec.kind === "every" ? spec : { kind: "fields", fields: spec, zone: zoneOffsets(spec.timeZone), proposeDay: proposeDays(spec) };
    if (plans.size >= mostPlans) plans.clear();
    plans.set(key, plan);
  }
  return plan;
}
