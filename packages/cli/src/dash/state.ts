/** What the dashboard knows and shows. Values, changed by `reduce` alone. @module */
import type { LogLine } from "@asynqjs/core";
import type { FoundTasks, GroupInfo, QueueInfo, StoredTask, TaskFilter } from "@asynqjs/core/inspector";

/** The states whose tasks can be looked at, in Asynq's order; what is quarantined is shown only where there is some. */
export const tabs = [
  "active",
  "pending",
  "aggregating",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "js:quarantine",
] as const satisfies readonly StoredTask["state"][];

export type Tab = (typeof tabs)[number];

/** A task in a list; of one that cannot be read, why. */
export type TaskRow = StoredTask | { readonly id: string; readonly why: string };

/** What a queue had done in all at a time, and how long its oldest pending task had waited. */
export interface Sample {
  readonly atMs: number;
  readonly processed: number;
  readonly failed: number;
  readonly latencyMs: number;
}

export type Verb = "run" | "archive" | "delete" | "redrive" | "cancel";

/** Something that is changed when it is confirmed. */
export type Action =
  | { readonly on: "queue"; readonly queue: string; readonly verb: "pause" | "resume" }
  | { readonly on: "task"; readonly queue: string; readonly id: string; readonly verb: Verb }
  | {
      readonly on: "tab";
      readonly queue: string;
      readonly verb: Verb;
      readonly tab: Tab;
      readonly group?: string | undefined;
      readonly count: number;
    }
  | {
      readonly on: "found";
      readonly queue: string;
      readonly verb: Verb;
      readonly text: string;
      readonly filter: TaskFilter;
      readonly found: string;
    };

/** A task that is shown whole. */
export interface Opened {
  readonly id: string;
  /** The task as it was last seen; absent while it is looked for. */
  readonly task?: StoredTask | undefined;
  /** Why it cannot be shown. */
  readonly why?: string | undefined;
  /** What its runs logged, the oldest line first. */
  readonly log?: readonly LogLine[] | undefined;
  readonly isGone: boolean;
  /** How many lines of it are above the window. */
  readonly scrolled: number;
}

/** A search in the queue that is shown. */
interface Search {
  readonly text: string;
  readonly filter: TaskFilter;
  /** Absent while it goes on. */
  readonly found?: FoundTasks | undefined;
}

/** One queue, looked into. */
export interface QueueView {
  readonly queue: string;
  readonly info?: QueueInfo | undefined;
  readonly tab: Tab;
  /** From 1. */
  readonly page: number;
  /** Absent while the first ones come. */
  readonly tasks?: readonly TaskRow[] | undefined;
  /** The highlighted row of the page; 0 is the head, and none. */
  readonly row: number;
  readonly groups?: readonly GroupInfo[] | undefined;
  /** There are more groups than are listed. */
  readonly hasMoreGroups: boolean;
  /** The group whose tasks are listed. */
  readonly group?: string | undefined;
  readonly search?: Search | undefined;
  readonly opened?: Opened | undefined;
}

export interface DashState {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  /** All queues, sorted; absent until they are known. */
  readonly names?: readonly string[] | undefined;
  /** How those that are shown stand. */
  readonly infos: ReadonlyMap<string, QueueInfo>;
  /** Those of them that cannot be read. */
  readonly broken: ReadonlySet<string>;
  /** What they did at the last refreshes, the oldest first. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  /** Only queues with this in their name are listed. */
  readonly filter: string;
  /** The highlighted queue. */
  readonly chosen?: string | undefined;
  /** How many of the listed queues are above the window. */
  readonly top: number;
  readonly showsBars: boolean;
  readonly view?: QueueView | undefined;
  readonly showsHelp: boolean;
  /** What is being typed. */
  readonly input?: { readonly of: "filter" | "search"; readonly text: string; readonly error?: string | undefined } | undefined;
  /** What is to be confirmed. */
  readonly asked?: Action | undefined;
  /** What is being done, and how far it is. */
  readonly work?:
    | { readonly action: Action; readonly done: number; readonly of?: number | undefined; readonly isStopping: boolean }
    | undefined;
  /** Why the last look at Redis failed. */
  readonly error?: string | undefined;
  /** What became of what was done last. */
  readonly notice?: { readonly text: string; readonly isBad: boolean } | undefined;
  /** The number of the look that is wanted: the answer to an earlier one comes too late. */
  readonly look: number;
}

export function initialState(at: Pick<DashState, "columns" | "rows" | "nowMs">): DashState {
  return {
    ...at,
    infos: new Map(),
    broken: new Set(),
    samples: new Map(),
    filter: "",
    top: 0,
    showsBars: true,
    showsHelp: false,
    look: 1,
  };
}

/** The queues that the filter lets through. */
export function listedQueues({ names = [], filter }: DashState): readonly string[] {
  return filter === "" ? names : names.filter((name) => name.toLowerCase().includes(filter.toLowerCase()));
}

/** Lines of the list of queues that are there whatever it shows: title, rates, legend, head, page, footer and those between. */
const queuesFrame = { withBars: 9, withoutBars: 6 };

/** How many queues fit on the screen at once; each takes a line of the table, and one of the bars. */
export function queuesPerPage({ rows, showsBars }: DashState): number {
  return Math.max(1, showsBars ? Math.floor((rows - queuesFrame.withBars) / 2) : rows - queuesFrame.withoutBars);
}

/** Whether it is the groups of the queue that are listed. */
export function listsGroups({ tab, group, search }: QueueView): boolean {
  return tab === "aggregating" && group === undefined && search === undefined;
}

/** How many tasks, or groups, fit on a page. Asynq: `taskPageSize`, `groupPageSize`. */
export function rowsPerPage({ rows }: DashState, view: QueueView): number {
  return Math.max(1, rows - (listsGroups(view) ? 16 : 15));
}

/** How many tasks of a state a queue holds. */
export function countOf(info: QueueInfo, tab: Tab): number {
  return tab === "js:quarantine" ? info.quarantined : info[tab];
}

/** How many rows the pages of what is listed have together. */
export function totalRows(view: QueueView): number {
  if (view.search !== undefined) return view.search.found?.tasks.length ?? 0;
  if (listsGroups(view)) return view.groups?.length ?? 0;
  const inGroup = view.group === undefined ? undefined : view.groups?.find(({ group }) => group === view.group)?.size;
  return inGroup ?? (view.info === undefined ? (view.tasks?.length ?? 0) : countOf(view.info, view.tab));
}

/** The rows of the page that is shown. */
function pageOf<Row>(all: readonly Row[], page: number, size: number): readonly Row[] {
  return all.slice((page - 1) * size, page * size);
}

/** The tasks on the page that is shown. */
export function shownTasks(state: DashState, view: QueueView): readonly TaskRow[] {
  const size = rowsPerPage(state, view);
  return view.search === undefined ? (view.tasks ?? []).slice(0, size) : pageOf(view.search.found?.tasks ?? [], view.page, size);
}

/** The groups on the page that is shown. */
export function shownGroups(state: DashState, view: QueueView): readonly GroupInfo[] {
  return pageOf(view.groups ?? [], view.page, rowsPerPage(state, view));
}
