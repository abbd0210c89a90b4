/** A mutant that lives and may: nobody can see a difference. `before` and `after` are the line it changes. */
export interface KnownSurvivor {
  readonly chunk: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const knownSurvivors: readonly KnownSurvivor[] = [];
