import type { Home } from "./judge-task.ts";
import type { WantedTask } from "./look-at-tasks.ts";

/**
 * Where tasks of groups stand that were not found where they say they are: the pages of a keyspace come in any order, so a group or a set
 * that no index names, or another task's, may be met before or after them.
 */
export class GroupHomes {
  readonly #homeless = new Map<string, { readonly group: string | undefined; readonly seen: readonly Home[] }>();
  readonly #unindexed: Home[] = [];

  /** A task that says it is of that group, and was not found there, but perhaps in others. */
  addHomeless(id: string, group: string | undefined, homes: readonly Home[]): void {
    const before = this.#homeless.get(id)?.seen ?? [];
    this.#homeless.set(id, { group, seen: [...before, ...homes.filter((home) => home.group !== undefined)] });
  }

  /** A group or set that no index names. */
  addUnindexed(home: Home): void {
    this.#unindexed.push(home);
  }

  /** The homeless, each with where it may stand. */
  found(): WantedTask[] {
    return [...this.#homeless].map(([id, { group, seen }]) => ({
      id,
      beside: [...seen, ...this.#unindexed.filter((home) => home.group === group)],
    }));
  }
}
