import type { LogLine } from "@asynqjs/core";

/** The lines of a log that were not among those seen before: it grows at its end, and loses at its front when it is full, where a note then says how many. */
export function newLines(seen: readonly LogLine[], lines: readonly LogLine[]): readonly LogLine[] {
  for (let gone = 0; gone < seen.length; gone++) {
    const kept = seen.length - gone;
    // Behind the note, where there is one.
    for (const at of [0, 1]) {
      if (kept <= lines.length - at && seen.slice(gone).every((line, nth) => isSame(line, lines[at + nth]!))) return lines.slice(at + kept);
    }
  }
  return lines;
}

function isSame(a: LogLine, b: LogLine): boolean {
  return a.atMs === b.atMs && a.message === b.message;
}
