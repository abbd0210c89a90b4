/** Times in the two forms that Asynq's CLI prints, in the machine's time zone unless another is named. @module */
import { localZone, zoneAt } from "./time-zone.ts";

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** As Go's `time.UnixDate`: `Mon Jan  2 15:04:05 CET 2006`. */
export function unixDate(date: Date, zone: string = localZone()): string {
  const { offsetMin, name } = zoneAt(zone, date);
  const there = new Date(date.getTime() + offsetMin * 60_000);
  const day = String(there.getUTCDate()).padStart(2);
  return `${days[there.getUTCDay()]} ${months[there.getUTCMonth()]} ${day} ${clockOf(there)} ${name} ${yearOf(there)}`;
}

/** As Go prints a time by default: `2006-01-02 15:04:05.12 +0100 CET`, without what of a second is zero. */
export function timeText(date: Date, zone: string = localZone()): string {
  const { offsetMin, name } = zoneAt(zone, date);
  const there = new Date(date.getTime() + offsetMin * 60_000);
  const fraction = there.getUTCMilliseconds() === 0 ? "" : `.${String(there.getUTCMilliseconds()).padStart(3, "0")}`.replace(/0+$/, "");
  return `${dateText(there)} ${clockOf(there)}${fraction} ${offsetText(offsetMin)} ${name}`;
}

/** The day in UTC: `2006-01-02`. */
export function dateText(date: Date): string {
  return `${yearOf(date)}-${String(date.getUTCMonth() + 1).padStart(2, "0")}-${String(date.getUTCDate()).padStart(2, "0")}`;
}

function clockOf(date: Date): string {
  return date.toISOString().slice(-13, -5);
}

function yearOf(date: Date): string {
  return String(date.getUTCFullYear()).padStart(4, "0");
}

/** `+0530`. */
function offsetText(min: number): string {
  const [hours, minutes] = [Math.trunc(Math.abs(min) / 60), Math.abs(min) % 60];
  return `${min < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}${String(minutes).padStart(2, "0")}`;
}
