/** What the screen that is shown needs of Redis: a value, so that nothing is read which nobody sees. @module */
import type { FoundTasks, GroupInfo, QueueInfo, TaskFilter } from "@asynqjs/core/inspector";
import { type DashState, listsGroups, type Opened, queuesPerPage, rowsPerPage, type Tab, type TaskRow } from "./state.ts";

/** What is to be read. */
export type Request =
  | { readonly of: "queues"; readonly filter: string; readonly first: number; readonly count: number }
  | {
      readonly of: "queue";
      readonly queue: string;
      readonly tab: Tab;
      readonly group: string | undefined;
      readonly page: number;
      readonly pageSize: number;
      /** Its groups are listed, or how large the one is whose tasks are. */
      readonly wantsGroups: boolean;
      readonly wantsTasks: boolean;
      /** A search that has no answer yet. */
      readonly search: TaskFilter | undefined;
      /** The task that is shown whole. */
      readonly opened: string | undefined;
    };

/** What was read. */
export type Loaded =
  | {
      readonly of: "queues";
      readonly names: readonly string[];
      readonly infos: readonly QueueInfo[];
      /** Those in the window that cannot be read. */
      readonly broken: readonly string[];
    }
  | {
      readonly of: "queue";
      readonly queue: string;
      /** Absent where the queue is gone. */
      readonly info: QueueInfo | undefined;
      readonly tasks: readonly TaskRow[] | undefined;
      readonly groups: readonly GroupInfo[] | undefined;
      readonly hasMoreGroups: boolean;
      readonly found: FoundTasks | undefined;
      readonly opened: Pick<Opened, "id" | "task" | "why" | "log"> | undefined;
    };

export function requestOf(state: DashState): Request {
  const { view } = state;
  if (view === undefined) return { of: "queues", filter: state.filter, first: state.top, count: queuesPerPage(state) };
  const { queue, tab, group, page, search, opened } = view;
  const wantsTasks = search === undefined && !listsGroups(view);
  return {
    of: "queue",
    queue,
    tab,
    group,
    page,
    pageSize: Math.min(1_000, rowsPerPage(state, view)),
    wantsGroups: search === undefined && tab === "aggregating",
    wantsTasks,
    search: search?.found === undefined ? search?.filter : undefined,
    opened: opened?.id,
  };
}
