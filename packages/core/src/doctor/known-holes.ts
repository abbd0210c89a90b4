/**
 * Up to which versions Redis and Valkey have holes that are known and closed. Looked up in November 2026; a newer hole is not known here.
 * @module
 */

/** A line of versions and the first patch that has every fix known here. */
interface Line {
  readonly line: string;
  readonly fixed: number;
  /** The first patch without the hole of 2025 through which anybody who may send a script runs code (CVE-2025-49844, CVSS 9.9). */
  readonly fixedLua: number;
}

/**
 * Redis: the security releases of 2026-09-18 (8.x, docker-library/official-images#22312) and of 2026-08-18 (the other lines,
 * docker-library/official-images#22078, OT-CONTAINER-KIT/redis#115); before them those of 2026-07-24 (#21922), 2026-05-05 (CVE-2026-23479,
 * CVE-2026-25243, CVE-2026-23631) and 2025-10-03 (CVE-2025-49844, CVE-2025-46817 to 46819, #20011).
 */
const redisLines: readonly Line[] = [
  { line: "6.2", fixed: 24, fixedLua: 20 },
  { line: "7.2", fixed: 16, fixedLua: 11 },
  { line: "7.4", fixed: 11, fixedLua: 6 },
  { line: "8.2", fixed: 10, fixedLua: 2 },
  { line: "8.4", fixed: 6, fixedLua: 0 },
  { line: "8.6", fixed: 7, fixedLua: 0 },
  { line: "8.8", fixed: 3, fixedLua: 0 },
  { line: "8.10", fixed: 2, fixedLua: 0 },
];

/**
 * Valkey: the security releases of 2026-07-21 (CVE-2026-56684, CVE-2026-63639: valkey.io, releases 7.2.14, 8.0.10, 8.1.9, 9.0.5, 9.1.1);
 * before them those of 2026-05-06 (valkey-io/valkey#3631 to #3634) and of 2025-10-03 (valkey-io/valkey#2684, #2686, #2687).
 */
const valkeyLines: readonly Line[] = [
  { line: "7.2", fixed: 14, fixedLua: 11 },
  { line: "8.0", fixed: 10, fixedLua: 6 },
  { line: "8.1", fixed: 9, fixedLua: 4 },
  { line: "9.0", fixed: 5, fixedLua: 0 },
  { line: "9.1", fixed: 1, fixedLua: 0 },
];

/** What is known of a version: the first patch with every fix, or that its line gets none any more. */
export type Hole = { readonly fixed: string; readonly runsCode: boolean } | { readonly ended: true };

/** The hole of a version; none where it has every fix known here, is newer than what is known here, or is no version. */
export function knownHole(product: "redis" | "valkey", version: string): Hole | undefined {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  if (patch === undefined) return undefined;
  const lines = product === "redis" ? redisLines : valkeyLines;
  const own = `${major}.${minor}`;
  const known = lines.find(({ line }) => line === own);
  if (known !== undefined)
    return Number(patch) >= known.fixed ? undefined : { fixed: `${own}.${known.fixed}`, runsCode: Number(patch) < known.fixedLua };
  return isBefore(own, lines.at(-1)!.line) ? { ended: true } : undefined;
}

function isBefore(a: string, b: string): boolean {
  const [[majorA = 0, minorA = 0], [majorB = 0, minorB = 0]] = [a, b].map((line) => line.split(".").map(Number)) as [number[], number[]];
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}
