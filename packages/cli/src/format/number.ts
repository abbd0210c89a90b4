/** Numbers as Asynq's CLI and its dashboard round them. @module */

/** With so many digits behind the point, as Go's `%.2f`: what lies in the very middle goes to the even digit. */
function fixed(value: number, digits: number): string {
  const isMiddle = Number.isInteger(value * 2 ** (digits + 1)) && value.toFixed(digits + 1).endsWith("5");
  if (!isMiddle) return value.toFixed(digits);
  const cut = value.toFixed(digits + 1).slice(0, -1);
  return /[02468]$/.test(cut) ? cut : value.toFixed(digits);
}

/** How many of a hundred failed: `12.50%`, or `N/A`. */
export function errorRate(processed: number, failed: number): string {
  return processed === 0 ? "N/A" : `${fixed((failed / processed) * 100, 2)}%`;
}

/** The same in the dashboard: `0.12`, or `-`. */
export function dashErrorRate(processed: number, failed: number): string {
  return processed === 0 ? "-" : fixed(failed / processed, 2);
}

/** Bytes by thousands: `999 B`, `1.2 kB`, `3.0 MB`. */
export function byteCount(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let unit = 0;
  let scale = 1000;
  while (bytes / scale >= 1000) {
    scale *= 1000;
    unit++;
  }
  return `${fixed(bytes / scale, 1)} ${"kMGTPE"[unit]}B`;
}
