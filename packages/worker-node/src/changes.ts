/** What Redis tells of keys that changed: who has read one of them by the command connection need not read it again before. */
export interface Changes {
  /** Whether a change of what is read from now on is heard of; when that begins anew, anything may have changed. */
  readonly watching: boolean;
  /** `then` is called when one of the keys changed, or any may have. Not of what the command connection changed itself. */
  of(keys: readonly string[], then: () => void): void;
}

/** Changes that nobody hears of, until `heard` is called with the names that Redis tells, or with nothing where anything may have changed. */
export function changes(watching: () => boolean): Changes & { heard(names?: string): void } {
  const listeners: { readonly keys: readonly string[]; readonly then: () => void }[] = [];
  return {
    get watching() {
      return watching();
    },
    of(keys, then) {
      listeners.push({ keys, then });
    },
    heard(names) {
      for (const { keys, then } of listeners) if (names === undefined || keys.some((key) => names.includes(key))) then();
    },
  };
}
