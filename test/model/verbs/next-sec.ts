import type { Keyspace } from "../keyspace.ts";

/** The whole second at which the first of a sorted set is due; one where more may be due is not looked at. */
export function nextSecOf(k: Keyspace, key: string, more: boolean): number | undefined {
  const [first] = k.ranked(key);
  return first === undefined || more ? undefined : Math.max(1, Math.ceil(first[1]));
}

/** The earliest of some times, where there is one. */
export function firstOf(secs: readonly (number | undefined)[]): number | undefined {
  return secs.filter((sec) => sec !== undefined).sort((a, b) => a - b)[0];
}
