import type { SchedulesReport } from "./simulate-schedules.ts";

/** A report in one line, and what went wrong, the first of it. */
export function tellSchedules({ windows, edges, slots, ticks, killed, seconds, violations }: SchedulesReport): string {
  const each = seconds === 0 ? 0 : Math.round(slots / seconds);
  const told = `${slots} slots fired once each, around ${edges} edges in ${windows} windows; ${ticks} ticks, ${killed} killed; ${seconds.toFixed(1)} s, ${each} slots/s`;
  const shown = violations.slice(0, 20);
  const more = violations.length > shown.length ? [`and ${violations.length - shown.length} more`] : [];
  return [told, ...shown, ...more].join("\n");
}
