/** How the dashboard goes on: what it knows, and what happened, give what it knows then and what is to be done. Pure. @module */
import type { Key } from "./keys.ts";
import { press } from "./press.ts";
import type { Loaded } from "./request.ts";
import type { DashState, Sample } from "./state.ts";
import { look, type Step, within } from "./step.ts";

export type DashEvent =
  | { readonly type: "key"; readonly key: Key }
  | { readonly type: "resized"; readonly columns: number; readonly rows: number }
  /** It is time to look again. */
  | { readonly type: "refresh" }
  | { readonly type: "loaded"; readonly look: number; readonly atMs: number; readonly isRefresh: boolean; readonly loaded: Loaded }
  | { readonly type: "failed"; readonly look: number; readonly why: string }
  | { readonly type: "progressed"; readonly done: number; readonly of?: number | undefined }
  | { readonly type: "acted"; readonly text: string; readonly isBad: boolean };

/** Of each queue so many refreshes are remembered: no screen is wider. */
const samplesKept = 240;

export function reduce(state: DashState, event: DashEvent): Step {
  switch (event.type) {
    case "key":
      return press(state, event.key);
    case "resized": {
      const resized = within({ ...state, columns: event.columns, rows: event.rows });
      // What is shown may be more than was read.
      return { ...look(resized), effects: [{ do: "repaint" }, { do: "load", isRefresh: false }] };
    }
    case "refresh":
      return look(state, true);
    case "loaded":
      if (event.look !== state.look) return { state, effects: [] };
      return settle(take({ ...state, nowMs: event.atMs, error: undefined }, event.loaded, event.isRefresh));
    case "failed":
      return { state: event.look === state.look ? { ...state, error: event.why } : state, effects: [] };
    case "progressed":
      return {
        state: state.work === undefined ? state : { ...state, work: { ...state.work, done: event.done, of: event.of } },
        effects: [],
      };
    case "acted": {
      const { view } = state;
      // What was found may have gone.
      const again = view?.search === undefined ? view : { ...view, search: { ...view.search, found: undefined } };
      return look({ ...state, work: undefined, notice: { text: event.text, isBad: event.isBad }, view: again });
    }
    default:
      return event satisfies never;
  }
}

function take(state: DashState, loaded: Loaded, isRefresh: boolean): DashState {
  if (loaded.of === "queues") {
    const { names, infos } = loaded;
    const known = new Map(infos.map((info) => [info.queue, info]));
    const chosen = state.chosen !== undefined && names.includes(state.chosen) ? state.chosen : undefined;
    return {
      ...state,
      names,
      infos: known,
      broken: new Set(loaded.broken),
      chosen,
      samples: remember(state.samples, infos, state.nowMs, isRefresh),
    };
  }
  const { view } = state;
  if (view === undefined || view.queue !== loaded.queue) return state;
  const { info, opened } = loaded;
  const samples = new Map([...state.samples, ...remember(state.samples, info === undefined ? [] : [info], state.nowMs, isRefresh)]);
  const shown = view.opened;
  return {
    ...state,
    samples,
    view: {
      ...view,
      info,
      tasks: loaded.tasks ?? view.tasks,
      groups: loaded.groups ?? view.groups,
      hasMoreGroups: loaded.groups === undefined ? view.hasMoreGroups : loaded.hasMoreGroups,
      search: view.search && { ...view.search, found: loaded.found ?? view.search.found },
      opened:
        shown === undefined || opened?.id !== shown.id
          ? shown
          : {
              ...shown,
              task: opened.task ?? shown.task,
              why: opened.why,
              log: opened.log ?? shown.log,
              isGone: opened.task === undefined && opened.why === undefined,
            },
    },
  };
}

/** Keeps what the shown queues had done by now: their first look, and each refresh, is a point of their lines. */
function remember(
  samples: DashState["samples"],
  infos: readonly { readonly queue: string; readonly processedTotal: number; readonly failedTotal: number; readonly latencyMs: number }[],
  atMs: number,
  isRefresh: boolean,
): DashState["samples"] {
  return new Map(
    infos.map(({ queue, processedTotal, failedTotal, latencyMs }): [string, readonly Sample[]] => {
      const before = samples.get(queue) ?? [];
      if (before.length > 0 && !isRefresh) return [queue, before];
      return [queue, [...before, { atMs, processed: processedTotal, failed: failedTotal, latencyMs }].slice(-samplesKept)];
    }),
  );
}

/** Looks once more where what was read shows that the screen is elsewhere than it was thought: a page, or a window, beyond the end. */
function settle(state: DashState): Step {
  const kept = within(state);
  const moved = kept.top !== state.top || kept.view?.page !== state.view?.page;
  return moved ? look(kept) : { state: kept, effects: [] };
}
