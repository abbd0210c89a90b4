/** That something changed, for one who comes to ask for it: what comes while nobody asks is kept, and told once. */
export interface Changes {
  /** The file that changed last since the last time that one was taken; waits for one. */
  next(): Promise<string>;
  /** Whatever came up to now is known: only what comes from now on is told. */
  forget(): void;
}

/** Changes, and the way to tell of one. */
export function collectChanges(): Changes & { note(file: string): void } {
  let latest: string | undefined;
  let waiting: ((file: string) => void)[] = [];
  return {
    note(file) {
      const told = waiting;
      waiting = [];
      latest = told.length === 0 ? file : undefined;
      for (const resolve of told) resolve(file);
    },
    next() {
      const file = latest;
      latest = undefined;
      return file === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(file);
    },
    forget() {
      latest = undefined;
    },
  };
}
