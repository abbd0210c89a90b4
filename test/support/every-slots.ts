import type { SlotsBetween } from "@asynqjs/core/cron";

/** Reads `@every <n>s` alone: the slots are the whole seconds that `n` divides. */
export const everySlots: SlotsBetween = ({ spec }, afterSec, untilSec, most) => {
  const [, step] = /^@every (\d+)s$/.exec(spec) ?? [];
  if (step === undefined) throw new Error(`no spec of these tests: ${spec}`);
  const slots: number[] = [];
  for (let slot = (Math.floor(afterSec / Number(step)) + 1) * Number(step); slot <= untilSec && slots.length < most; slot += Number(step))
    slots.push(slot);
  return slots;
};
