import { cancelProcessing } from "../broker/cancel-processing.ts";
import type { Broker } from "../broker.ts";
import { unixSec } from "../clock.ts";
import { demand } from "../demand.ts";
import type { SendOptions } from "../redis.ts";
import type { NamedOptions } from "./act-on-named.ts";
import { archiveTasks } from "./archive-tasks.ts";
import { deleteTasks } from "./delete-tasks.ts";
import type { TaskPlace } from "./list-tasks.ts";
import { redriveTasks } from "./redrive-tasks.ts";
import { rescheduleTasks } from "./reschedule-tasks.ts";
import { runTasks } from "./run-tasks.ts";
import { type ScanCursor, scanStart, scanTasks } from "./scan-tasks.ts";
import { readStoredTasks, type StoredState, type StoredTask } from "./stored-task.ts";
import { compileFilter, type TaskFilter } from "./task-filter.ts";
import type { TaskVerdict } from "./task-verbs.ts";
import { walkPlaces } from "./walk-places.ts";

/** What may be done with many tasks: as the functions of these names do, or, for active ones, as `cancelProcessing` does. */
export type FoundAction = "run" | "archive" | "delete" | "redrive" | "cancel" | { readonly rescheduleTo: Date };

/** What became of the tasks that were meant. */
export interface FoundReport {
  /** How many tasks were looked at; one that moved meanwhile may be looked at twice. */
  readonly looked: number;
  /** How many of them were meant. */
  readonly matched: number;
  /** How many were acted on; none in a dry run. */
  readonly done: number;
  /** Why others were not: each verdict with its number. */
  readonly notDone: Readonly<Partial<Record<TaskVerdict, number>>>;
  /** How many cannot be read: none of them was meant. */
  readonly unreadable: number;
  /** Archived tasks that were deleted to make room. */
  readonly trimmed: number;
  /** Whether it was told to stop before it was through. */
  readonly more: boolean;
}

/** How it is gone about. */
export interface FoundOptions extends SendOptions {
  /** Counts only, and writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Told after each look how far it is. */
  readonly onProgress?: ((report: FoundReport) => void) | undefined;
  /** Stops after the look that is under way. */
  readonly signal?: AbortSignal | undefined;
}

/** Where each looks unless it is told where. */
const statesOf: Readonly<Record<string, readonly StoredState[]>> = {
  run: ["retry", "archived", "scheduled", "aggregating"],
  archive: ["pending", "retry", "scheduled", "aggregating"],
  delete: ["pending", "retry", "archived", "scheduled", "aggregating", "completed"],
  redrive: ["archived", "retry"],
  cancel: ["active"],
  reschedule: ["scheduled", "retry", "pending", "aggregating"],
};

/**
 * Runs, archives, deletes, redrives, cancels or puts off all tasks of a queue that are meant, 250 looked at a time; each only while it is still
 * where it was found. What comes while it goes on may be met or not.
 *
 * May be repeated: yes; called again it looks again.
 * @throws {InvalidOptionError} before any I/O
 * @throws {RedisError}
 */
export async function actOnFound(
  broker: Broker,
  queue: string,
  action: FoundAction,
  filter: TaskFilter,
  { dryRun = false, onProgress, signal, ...options }: FoundOptions = {},
): Promise<FoundReport> {
  const name = typeof action === "object" ? "reschedule" : action;
  const possible = Object.hasOwn(statesOf, name) ? statesOf[name] : undefined;
  demand(possible !== undefined, "action", "expected run, archive, delete, redrive, cancel or rescheduleTo");
  const states = filter.states ?? possible;
  if (name === "cancel")
    demand(
      states.every((state) => state === "active"),
      "states",
      "expected active alone, where runs are to end",
    );
  const dueMs = typeof action === "object" ? action.rescheduleTo.getTime() : 0;
  demand(dueMs >= 0, "rescheduleTo", "expected a valid Date");
  const isOfFilter = compileFilter(filter);
  // One that was put off comes again, further back.
  const isMeant = (task: StoredTask): boolean =>
    isOfFilter(task) && !(name === "reschedule" && unixSec(task.nextProcessAt?.getTime() ?? 0) === unixSec(dueMs));

  let report: FoundReport = { looked: 0, matched: 0, done: 0, notDone: {}, unreadable: 0, trimmed: 0, more: false };
  for await (const place of walkPlaces(broker, queue, states, filter.group, options)) {
    for (let cursor: ScanCursor | undefined = scanStart; cursor !== undefined; ) {
      if (signal?.aborted === true) return { ...report, more: true };
      const { found, places, next } = await scanTasks(broker, queue, place, cursor, options);
      const { tasks, unreadable } = readStoredTasks(queue, found, broker.clock.nowMs());
      const ids = tasks.filter(isMeant).map(({ id }) => id);
      const { verdicts, trimmed } =
        dryRun || ids.length === 0 ? nothing : await act(broker, queue, action, ids, { ...options, from: place, places });
      const done = verdicts.filter((verdict) => verdict === "done").length;
      report = {
        looked: report.looked + found.length,
        matched: report.matched + ids.length,
        done: report.done + done,
        notDone: countMore(report.notDone, verdicts),
        unreadable: report.unreadable + unreadable.length,
        trimmed: report.trimmed + trimmed,
        more: false,
      };
      onProgress?.(report);
      // What was taken out of a list lets the rest of it move up.
      const taken = place.state === "pending" ? done : 0;
      cursor = next && { ...next, start: next.start - taken };
    }
  }
  return report;
}

interface Acted {
  readonly verdicts: readonly TaskVerdict[];
  readonly trimmed: number;
}

const nothing: Acted = { verdicts: [], trimmed: 0 };

async function act(
  broker: Broker,
  queue: string,
  action: FoundAction,
  ids: readonly string[],
  { from, places, ...options }: NamedOptions & { readonly from: TaskPlace },
): Promise<Acted> {
  const named = { from, places, ...options };
  const all = (verdicts: readonly TaskVerdict[]): Acted => ({ verdicts, trimmed: 0 });
  if (typeof action === "object") return all(await rescheduleTasks(broker, queue, ids, action.rescheduleTo, named));
  switch (action) {
    case "run":
      return all(await runTasks(broker, queue, ids, named));
    case "archive":
      return archiveTasks(broker, queue, ids, named);
    case "delete":
      return all(await deleteTasks(broker, queue, ids, named));
    case "redrive":
      return all(await redriveTasks(broker, queue, ids, options));
    case "cancel":
      await cancelProcessing(
        broker,
        ids.map((id) => ({ queue, id })),
        options,
      );
      return all(ids.map(() => "done"));
    default:
      return action satisfies never;
  }
}

function countMore(counts: FoundReport["notDone"], verdicts: readonly TaskVerdict[]): FoundReport["notDone"] {
  const more: Partial<Record<TaskVerdict, number>> = { ...counts };
  for (const verdict of verdicts) if (verdict !== "done") more[verdict] = (more[verdict] ?? 0) + 1;
  return more;
}
