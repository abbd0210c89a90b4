const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Writes a time in UTC as Go's `time.UnixDate`: `Mon Jan  2 15:04:05 UTC 2006`. */
export function printGoDate(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2);
  const time = date.toISOString().slice(-13, -5);
  const year = String(date.getUTCFullYear()).padStart(4, "0");
  return `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${day} ${time} UTC ${year}`;
}

/** Reads such a time; nothing where it is none. Go takes a zone whose name it does not know for UTC, and so are all of them taken here. */
export function readGoDate(text: string): Date | undefined {
  const read = /^(\w{3}) (\w{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d) [A-Z+-][\w+-]* (\d{4})$/.exec(text);
  if (read === null) return undefined;
  const [, weekday, monthName, day, hours, minutes, seconds, year] = read as unknown as string[];
  const month = months.indexOf(monthName!);
  if (!days.includes(weekday!) || month < 0) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), month, Number(day));
  date.setUTCHours(Number(hours), Number(minutes), Number(seconds));
  // What is no day of that month has become one of the next.
  return date.getUTCMonth() === month && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60 ? date : undefined;
}
