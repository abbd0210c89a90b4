import type { Home } from "./judge-task.ts";
import type { WantedTask } from "./look-at-tasks.ts";

/**
 * Where tasks of groups stand that were found in none of the places they should be in: the pages of a keyspace come in any order, so a group
 * or a set that no index names, or another task's, may be met before or after them.
 */
export class GroupHomes {
  readonly #homeless = new Map<string, string | undefined>();
  readonly #strays = new Map<string, Home>();
  readonly #unindexed: Home[] = [];

  /** A task that says it is of that group, and is nowhere. */
  addHomeless(id: string, group: string | undefined): void {
    this.#homeless.set(id, group);
  }

  /** An id that stands in a group or set and does not seem to belong there. */
  addStray(id: string, home: Home): void {
    this.#strays.set(id, home);
  }

  /** A group or set that no index names. */
  addUnindexed(home: Home): void {
    this.#unindexed.push(home);
  }

  /** The homeless, each with where it may stand. */
  found(): WantedTask[] {
    return [...this.#homeless].map(([id, group]) => ({
      id,
      beside: this.#strays.get(id) ?? this.#unindexed.find((home) => home.group === group),
    }));
  }
}
