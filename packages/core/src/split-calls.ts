/** What one script call may hold, so that it holds Redis for no longer than it should. */
export interface CallBounds {
  readonly items: number;
  readonly bytes: number;
}

/** Splits items over calls by their number and their bytes, keeping the order; one that is larger than all bytes gets a call of its own. */
export function splitCalls<T>(items: readonly T[], most: CallBounds, bytesOf: (item: T) => number): T[][] {
  const calls: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    let last = calls.at(-1);
    if (last === undefined || last.length === most.items || bytes + size > most.bytes) {
      last = [];
      calls.push(last);
      bytes = 0;
    }
    last.push(item);
    bytes += size;
  }
  return calls;
}
