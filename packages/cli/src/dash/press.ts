/** What each key does. Pure. @module */
import type { Key } from "./keys.ts";
import { lastScroll } from "./layout/boxes.ts";
import { readSearch } from "./search-text.ts";
import {
  type Action,
  type DashState,
  listedQueues,
  listsGroups,
  type Opened,
  type QueueView,
  queuesPerPage,
  rowsPerPage,
  shownGroups,
  shownTasks,
  type Tab,
  tabs,
  totalRows,
  type Verb,
} from "./state.ts";
import { look, type Step, still, within } from "./step.ts";
import { canBeDone, canBeDoneWithAll, verbKeys, whyNot } from "./verbs.ts";

export function press(before: DashState, key: Key): Step {
  if (key === "ctrl+c") return { state: before, effects: [{ do: "quit" }] };
  if (key === "ctrl+l") return { state: before, effects: [{ do: "repaint" }] };
  const state = { ...before, notice: undefined };
  if (state.input !== undefined) return type(state, state.input, key);
  if (state.asked !== undefined) return answer(state, state.asked, key);
  if (state.showsHelp) return key === "escape" || key === "q" || key === "?" ? look({ ...state, showsHelp: false }) : still(state);
  if (key === "?") return still({ ...state, showsHelp: true });
  if (key === "escape" && state.work !== undefined)
    return { state: { ...state, work: { ...state.work, isStopping: true } }, effects: [{ do: "stop" }] };
  const { view } = state;
  if (view === undefined) return pressInQueues(state, key);
  if (view.opened !== undefined) return pressInTask(state, view, view.opened, key);
  return pressInQueue(state, view, key);
}

/** A row further or back, through the head, which is none. */
function turn(row: number, rows: number, by: 1 | -1): number {
  return (row + by + rows + 1) % (rows + 1);
}

function pressInQueues(state: DashState, key: Key): Step {
  const listed = listedQueues(state);
  const size = queuesPerPage(state);
  const at = state.chosen === undefined ? 0 : listed.indexOf(state.chosen) + 1;
  const choose = (row: number): Step => show(state, { ...state, chosen: listed[row - 1], top: row === 0 ? 0 : state.top });
  switch (key) {
    case "q":
    case "escape":
      if (key === "escape" && state.filter !== "") return look({ ...state, filter: "", top: 0 });
      return { state, effects: [{ do: "quit" }] };
    case "down":
    case "j":
      return choose(turn(at, listed.length, 1));
    case "up":
    case "k":
      return choose(turn(at, listed.length, -1));
    case "n":
    case "pagedown":
    case "p":
    case "pageup": {
      const by = key === "n" || key === "pagedown" ? size : -size;
      const top = Math.max(0, Math.min(state.top + by, listed.length - size));
      return show(state, { ...state, top, chosen: at === 0 ? undefined : listed[Math.max(0, Math.min(at - 1 + by, listed.length - 1))] });
    }
    case "home":
    case "end":
      return choose(key === "home" ? Math.min(1, listed.length) : listed.length);
    case "b":
      return show(state, { ...state, showsBars: !state.showsBars });
    case "/":
      return still({ ...state, input: { of: "filter", text: state.filter } });
    case "P":
      return state.chosen === undefined ? still(hint(state)) : askToPause(state, state.chosen, state.infos.get(state.chosen)?.paused);
    case "enter":
      if (state.chosen === undefined) return still(state);
      return look({ ...state, view: openQueue(state.chosen, state.infos.get(state.chosen)) });
    default:
      return still(state);
  }
}

/** The list of queues with another window; looks at what came into it. */
function show(before: DashState, after: DashState): Step {
  const kept = within(after);
  return kept.top === before.top && kept.showsBars === before.showsBars ? still(kept) : look(kept);
}

function openQueue(queue: string, info: QueueView["info"]): QueueView {
  return { queue, info, tab: "active", page: 1, row: 0, hasMoreGroups: false };
}

function pressInQueue(state: DashState, view: QueueView, key: Key): Step {
  const rows = rowsToMoveIn(state, view);
  const at = (change: Partial<QueueView>): DashState => ({ ...state, view: { ...view, ...change } });
  switch (key) {
    case "q":
    case "escape":
      if (view.search !== undefined) return look(at({ search: undefined, page: 1, row: 0 }));
      if (key === "escape" && view.group !== undefined) return look(at(inTab("aggregating")));
      return look({ ...state, view: undefined });
    case "down":
    case "j":
      return still(at({ row: turn(view.row, rows, 1) }));
    case "up":
    case "k":
      return still(at({ row: turn(view.row, rows, -1) }));
    case "home":
    case "end":
      return still(at({ row: key === "home" ? Math.min(1, rows) : rows }));
    case "right":
    case "l":
      return view.search === undefined ? look(at(inTab(nextTab(view, 1)))) : still(state);
    case "left":
    case "h":
      return view.search === undefined ? look(at(inTab(nextTab(view, -1)))) : still(state);
    case "n":
    case "pagedown":
      return view.page * rowsPerPage(state, view) < totalRows(view) ? look(at({ page: view.page + 1 })) : still(state);
    case "p":
    case "pageup":
      return view.page > 1 ? look(at({ page: view.page - 1 })) : still(state);
    case "enter": {
      if (view.row === 0) return still(state);
      if (!listsGroups(view)) return open(state, view);
      const group = shownGroups(state, view)[view.row - 1];
      return group === undefined ? still(state) : look(at({ group: group.group, tasks: undefined, page: 1, row: 0 }));
    }
    case "/":
      return still({ ...state, input: { of: "search", text: view.search?.text ?? "" } });
    case "P":
      return askToPause(state, view.queue, view.info?.paused);
    default:
      return ask(state, view, key);
  }
}

/** As long as the page has not come, as many as it will have: who types fast is not held up. */
function rowsToMoveIn(state: DashState, view: QueueView): number {
  const size = rowsPerPage(state, view);
  if (listsGroups(view)) return view.groups === undefined ? Math.min(size, view.info?.groups ?? 0) : shownGroups(state, view).length;
  const waits = view.search === undefined && view.tasks === undefined;
  return waits ? Math.min(size, totalRows(view)) : shownTasks(state, view).length;
}

/** The list of a state from its beginning. */
function inTab(tab: Tab): Partial<QueueView> {
  return { tab, page: 1, row: 0, tasks: undefined, group: undefined, groups: undefined };
}

function nextTab({ tab, info }: QueueView, by: 1 | -1): Tab {
  const shown = tabs.filter((name) => name !== "js:quarantine" || name === tab || (info?.quarantined ?? 0) > 0);
  return shown[(shown.indexOf(tab) + by + shown.length) % shown.length]!;
}

function open(state: DashState, view: QueueView): Step {
  const row = shownTasks(state, view)[view.row - 1];
  if (row === undefined) return still(state);
  const opened: Opened =
    "why" in row ? { id: row.id, why: row.why, isGone: false, scrolled: 0 } : { id: row.id, task: row, isGone: false, scrolled: 0 };
  return look({ ...state, view: { ...view, opened } });
}

function pressInTask(state: DashState, view: QueueView, opened: Opened, key: Key): Step {
  const scroll = (by: number): Step =>
    still({
      ...state,
      view: { ...view, opened: { ...opened, scrolled: Math.max(0, Math.min(opened.scrolled + by, lastScroll(state, opened))) } },
    });
  switch (key) {
    case "q":
    case "escape":
      return still({ ...state, view: { ...view, opened: undefined } });
    case "down":
    case "j":
      return scroll(1);
    case "up":
    case "k":
      return scroll(-1);
    case "n":
    case "pagedown":
      return scroll(10);
    case "p":
    case "pageup":
      return scroll(-10);
    case "home":
      return scroll(-opened.scrolled);
    case "end":
      return scroll(lastScroll(state, opened));
    default: {
      const verb = verbKeys[key];
      if (verb === undefined || opened.isGone) return still(state);
      const stands = opened.task?.state ?? (view.search === undefined ? view.tab : "js:quarantine");
      return askTask(state, view.queue, opened.id, verb, stands);
    }
  }
}

/** Asks before the tasks that are meant are changed. */
function ask(state: DashState, view: QueueView, key: Key): Step {
  const one = verbKeys[key];
  if (one !== undefined && !listsGroups(view)) {
    const row = shownTasks(state, view)[view.row - 1];
    if (row === undefined) return still(hint(state));
    return askTask(state, view.queue, row.id, one, "why" in row ? view.tab : row.state);
  }
  const all = key === key.toLowerCase() ? undefined : verbKeys[key.toLowerCase()];
  if (all === undefined) return still(state);
  const { queue, tab, group, search } = view;
  if (search !== undefined) {
    const { text, filter, found } = search;
    if (found === undefined) return still(refuse(state, "the search is not over yet"));
    const many = `${found.tasks.length}${found.incomplete ? " or more" : ""}`;
    return confirm(state, { on: "found", queue, verb: all, text, filter, found: many });
  }
  if (!canBeDoneWithAll(all, tab)) return still(refuse(state, whyNot(all, tab)));
  const count = totalOf(view);
  if (count === 0) return still(refuse(state, "there is no such task"));
  return confirm(state, { on: "tab", queue, verb: all, tab, group, count });
}

/** How many tasks are meant by all. */
function totalOf(view: QueueView): number {
  return listsGroups(view) ? (view.info?.aggregating ?? 0) : totalRows(view);
}

function askTask(state: DashState, queue: string, id: string, verb: Verb, stands: Tab): Step {
  if (!canBeDone(verb, stands)) return still(refuse(state, whyNot(verb, stands)));
  return confirm(state, { on: "task", queue, id, verb });
}

function askToPause(state: DashState, queue: string, paused: boolean | undefined): Step {
  if (paused === undefined) return still(state);
  return confirm(state, { on: "queue", queue, verb: paused ? "resume" : "pause" });
}

function confirm(state: DashState, action: Action): Step {
  if (state.work !== undefined) return still(refuse(state, "wait for what is being done, or stop it with Esc"));
  return still({ ...state, asked: action });
}

function refuse(state: DashState, text: string): DashState {
  return { ...state, notice: { text, isBad: true } };
}

function hint(state: DashState): DashState {
  return refuse(state, "move to a row first");
}

function answer(state: DashState, action: Action, key: Key): Step {
  if (key === "y" || key === "Y")
    return { state: { ...state, asked: undefined, work: { action, done: 0, isStopping: false } }, effects: [{ do: "act", action }] };
  return key === "n" || key === "N" || key === "escape" || key === "q" ? still({ ...state, asked: undefined }) : still(state);
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const longestInput = 500;

function type(state: DashState, input: NonNullable<DashState["input"]>, key: Key): Step {
  const typed = (text: string): Step => {
    const next = { ...state, input: { of: input.of, text: text.slice(0, longestInput) } };
    // The list follows while one types.
    return input.of === "filter" ? look(within({ ...next, filter: text, top: 0 })) : still(next);
  };
  switch (key) {
    case "escape":
      return input.of === "filter"
        ? look(within({ ...state, input: undefined, filter: "", top: 0 }))
        : still({ ...state, input: undefined });
    case "enter":
      return input.of === "filter"
        ? still({ ...state, input: undefined, chosen: state.chosen ?? listedQueues(state)[0] })
        : search(state, input.text);
    case "backspace":
      return typed(
        [...graphemes.segment(input.text)]
          .slice(0, -1)
          .map(({ segment }) => segment)
          .join(""),
      );
    case "ctrl+u":
      return typed("");
    default:
      return [...graphemes.segment(key)].length === 1 ? typed(input.text + key) : still(state);
  }
}

function search(state: DashState, text: string): Step {
  const { view } = state;
  if (view === undefined) return still({ ...state, input: undefined });
  if (text.trim() === "") return look({ ...state, input: undefined, view: { ...view, search: undefined, page: 1, row: 0 } });
  const { filter, why } = { filter: undefined, why: undefined, ...readSearch(text) };
  if (filter === undefined) return still({ ...state, input: { of: "search", text, error: why } });
  return look({ ...state, input: undefined, view: { ...view, search: { text, filter }, page: 1, row: 0 } });
}
