import { cancelProcessing } from "@asynqjs/core";
import { archiveAllTasks, deleteAllTasks, type FoundReport, type Inspector, runAllTasks, type TaskPlace } from "@asynqjs/core/inspector";
import type { Action, Tab, Verb } from "./state.ts";
import { tellDone } from "./verbs.ts";

/** How far something is that takes long. */
export type OnProgress = (done: number, of?: number) => void;

/**
 * Does what was confirmed, and answers what became of it.
 * @throws {AsynqError}
 */
export async function act(inspector: Inspector, action: Action, onProgress: OnProgress, signal: AbortSignal): Promise<string> {
  const { queue, verb } = action;
  switch (action.on) {
    case "queue":
      await (verb === "pause" ? inspector.pauseQueue(queue) : inspector.unpauseQueue(queue));
      return tellDone(action, 1);
    case "task":
      await actOnTask(inspector, queue, action.id, action.verb);
      return tellDone(action, 1);
    case "tab":
      return actOnTab(inspector, action, onProgress, signal);
    case "found": {
      const states = action.verb === "cancel" ? (["active"] as const) : undefined;
      const report = await inspector.actOnTasks(queue, action.verb, { ...action.filter, states }, { signal, onProgress: of(onProgress) });
      return tellFound(action, report);
    }
    default:
      return action satisfies never;
  }
}

async function actOnTask(inspector: Inspector, queue: string, id: string, verb: Verb): Promise<void> {
  switch (verb) {
    case "run":
      return inspector.runTask(queue, id);
    case "archive":
      return inspector.archiveTask(queue, id);
    case "delete":
      return inspector.deleteTask(queue, id);
    case "redrive":
      return inspector.redriveTask(queue, id);
    case "cancel":
      // By the bare id, which is what Go's servers hear.
      return inspector.cancelProcessing(id);
    default:
      return verb satisfies never;
  }
}

/** All tasks of a state. */
async function actOnTab(
  inspector: Inspector,
  action: Action & { readonly on: "tab" },
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<string> {
  const { queue, verb, tab, group } = action;
  if (verb === "cancel") return tellDone(action, await cancelAll(inspector, queue, onProgress, signal));
  const place = placeOf(tab, group);
  if (verb === "redrive" || place === undefined) {
    const report = await inspector.actOnTasks(queue, verb, { states: [tab], group }, { signal, onProgress: of(onProgress) });
    return tellFound(action, report);
  }
  const all = { run: runAllTasks, archive: archiveAllTasks, delete: deleteAllTasks }[verb];
  const report = await all(inspector.broker, queue, place as never, { signal, onProgress: ({ done, of }) => onProgress(done, of) });
  return tellDone(action, report.done, report.more ? ", stopped" : "");
}

/** Where the tasks of a state stand, of those that stand in one place. */
function placeOf(tab: Tab, group: string | undefined): TaskPlace | undefined {
  if (tab === "js:quarantine" || (tab === "aggregating" && group === undefined)) return undefined;
  return { state: tab, group };
}

const cancelsPerCall = 250;

async function cancelAll(inspector: Inspector, queue: string, onProgress: OnProgress, signal: AbortSignal): Promise<number> {
  const ids = new Set<string>();
  for (let page = 1; !signal.aborted; page++) {
    const { tasks, unreadable } = await inspector.listActiveTasks(queue, { page, pageSize: cancelsPerCall });
    const found = tasks.filter(({ id }) => !ids.has(id)).map(({ id }) => ({ id }));
    await cancelProcessing(inspector.broker, found);
    for (const { id } of found) ids.add(id);
    onProgress(ids.size);
    if (tasks.length + unreadable.length < cancelsPerCall) break;
  }
  return ids.size;
}

const of =
  (onProgress: OnProgress) =>
  ({ done }: FoundReport): void =>
    onProgress(done);

function tellFound(action: Action, { done, matched, unreadable, more }: FoundReport): string {
  const left = [
    ...(matched > done ? [`${matched - done} were not there any more`] : []),
    ...(unreadable > 0 ? [`${unreadable} cannot be read`] : []),
    ...(more ? ["stopped"] : []),
  ];
  return tellDone(action, done, left.length === 0 ? "" : ` (${left.join(", ")})`);
}
