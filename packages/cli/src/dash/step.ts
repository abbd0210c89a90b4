import {
  type Action,
  type DashState,
  listedQueues,
  listsGroups,
  queuesPerPage,
  rowsPerPage,
  shownGroups,
  shownTasks,
  totalRows,
} from "./state.ts";

/** What is to be done beside showing the state. */
export type Effect =
  /** Look at what the screen shows. */
  | { readonly do: "load"; readonly isRefresh: boolean }
  | { readonly do: "act"; readonly action: Action }
  /** Let what is being done end early. */
  | { readonly do: "stop" }
  | { readonly do: "repaint" }
  | { readonly do: "quit" };

export interface Step {
  readonly state: DashState;
  readonly effects: readonly Effect[];
}

/** Nothing is to be done but to show it. */
export function still(state: DashState): Step {
  return { state, effects: [] };
}

/** Wants another look at what is shown now. */
export function look(state: DashState, isRefresh = false): Step {
  return { state: { ...state, look: state.look + 1 }, effects: [{ do: "load", isRefresh }] };
}

/** Keeps highlights, pages and the window inside what there is. */
export function within(state: DashState): DashState {
  const { view } = state;
  if (view === undefined) {
    const listed = listedQueues(state);
    const size = queuesPerPage(state);
    const at = state.chosen === undefined ? -1 : listed.indexOf(state.chosen);
    const last = Math.max(0, listed.length - size);
    const top = at < 0 ? state.top : Math.min(Math.max(state.top, at - size + 1), at);
    return { ...state, top: Math.min(top, last), chosen: at < 0 ? undefined : state.chosen };
  }
  const isKnown = view.info !== undefined && (listsGroups(view) ? view.groups !== undefined : true);
  const pages = Math.max(1, Math.ceil(totalRows(view) / rowsPerPage(state, view)));
  const page = isKnown ? Math.min(view.page, pages) : view.page;
  const paged = { ...view, page };
  const shown = listsGroups(paged) ? shownGroups(state, paged).length : shownTasks(state, paged).length;
  const waits = listsGroups(paged) ? paged.groups === undefined : paged.tasks === undefined && paged.search === undefined;
  return { ...state, view: { ...paged, row: waits ? paged.row : Math.min(view.row, shown) } };
}
