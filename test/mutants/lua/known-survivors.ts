/** A mutant that means the same. `before` and `after` are the line it changes. */
export interface KnownSurvivor {
  readonly chunk: string;
  readonly before: string;
  readonly after: string;
  /** Why nobody can see a difference. */
  readonly why: string;
}

export const knownSurvivors: readonly KnownSurvivor[] = [];
