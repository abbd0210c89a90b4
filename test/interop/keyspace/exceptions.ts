/**
 * What ours may differ in from Go's keyspace: a rule for each row of `docs/extensions.md`, by the row's name, no wider than the row says.
 * @module
 */
import type { Difference } from "./differences.ts";
import type { Move } from "./moves.ts";
import type { Snapshot } from "./snapshot.ts";

/** Where differences were found. All text is one character a byte. */
export interface Comparison {
  readonly go: Snapshot;
  readonly ours: Snapshot;
  /** What the two databases held before the move. */
  readonly before: { readonly go: Snapshot; readonly ours: Snapshot };
  /** What was done; where it is no move, its name. */
  readonly move?: Move;
  readonly step?: string;
  readonly nowSec: number;
  readonly slackSec: number;
}

/** Commands for Go's database that make even what would lead the two apart: what follows is to be compared too. */
export type Mends = readonly (readonly string[])[];

export type Exception = {
  /** The first column of its row. */
  readonly row: string;
} & (
  | {
      /** Whether the row is why they differ so; and what is to be mended. */
      readonly allows: (difference: Difference, at: Comparison) => boolean | Mends;
      readonly neverStored?: never;
    }
  /** The row's key is never written: neither side may hold one. */
  | { readonly neverStored: RegExp; readonly allows?: never }
);

/** Takes exceptions out of what differs, and remembers which ones there were a use for. */
export class ExceptionUse {
  /** How often, by row. */
  readonly used = new Map<string, number>();
  readonly #exceptions: readonly Exception[];

  constructor(exceptions: readonly Exception[]) {
    this.#exceptions = exceptions;
  }

  /** @throws {Error} a key is there that is never to be there */
  takeOut(differences: readonly Difference[], at: Comparison): { readonly left: readonly Difference[]; readonly mends: Mends } {
    const left: Difference[] = [];
    const mends: (readonly string[])[] = [];
    for (const { row, neverStored } of this.#exceptions) {
      const stored = neverStored && [...Object.keys(at.go.keys), ...Object.keys(at.ours.keys)].find((key) => neverStored.test(key));
      if (stored !== undefined) throw new Error(`${row}: ${stored} is there`);
    }
    for (const difference of differences) {
      const found = this.#find(difference, at);
      if (found === undefined) left.push(difference);
      else {
        this.used.set(found.row, (this.used.get(found.row) ?? 0) + 1);
        mends.push(...found.mends);
      }
    }
    return { left, mends };
  }

  #find(difference: Difference, at: Comparison): { readonly row: string; readonly mends: Mends } | undefined {
    for (const { row, allows } of this.#exceptions) {
      const answer = allows?.(difference, at) ?? false;
      if (answer !== false) return { row, mends: answer === true ? [] : answer };
    }
    return undefined;
  }
}
