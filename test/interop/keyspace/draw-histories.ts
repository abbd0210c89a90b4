/** Histories, drawn so that either side must do the same, in whatever order it does it. @module */
import type { TaskState } from "@asynqjs/core";
import fc from "fast-check";
import type { GoVersion } from "../go-programs.ts";
import { day, type Move, type MoveOptions, type MoveTask, type Queue, queues, type WhileHeld } from "./moves.ts";

/**
 * Delays end on 50 s, those of locks on 40 s, and time passes by hundreds, so that what falls due does so long before or after it is looked
 * for, however slow the machine; also where a lock outlives a delay.
 */
const delaySec = fc.constantFrom(150, 950, 5_050);
const passSec = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(100, 200, 1_000) },
  { weight: 1, arbitrary: fc.constantFrom(10_000, 91 * day) },
);

const ids = ["a", "b", "c", "d"] as const;
const id = fc.constantFrom(...ids, "hold");
const queue = fc.constantFrom(...queues);
const group = fc.constantFrom("g", "h:i");
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** What handlers are told to do; Go's and ours know the words. */
const payloads = (version: GoVersion): fc.Arbitrary<Uint8Array | undefined> => {
  const errors = fc.constantFrom("boom", "bööm", "a\0b", "");
  const told = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("ok", "") },
    { weight: 3, arbitrary: errors.map((word) => `fail ${word}`) },
    { weight: 2, arbitrary: fc.constantFrom("fail-until 1", "fail-until 2", "fail-long 1000", "fail-long 5000", "unknown") },
    { weight: 2, arbitrary: errors.map((word) => `skip ${word}`) },
    { weight: 2, arbitrary: fc.constantFrom("result x \0\u0001ü", "result-fail boom half", "result-fail boom ") },
    { weight: 1, arbitrary: fc.constantFrom("panic oops") },
    // Before v0.25.0 nothing was revoked, and what is no failure was tried for ever.
    { weight: version === "v0.24.1" ? 0 : 2, arbitrary: fc.constantFrom("revoke why", "fail soft-boom") },
  );
  return fc.oneof(
    { weight: 12, arbitrary: told.map(text) },
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.of(...text("ok x "), ...bytes)) },
  );
};

const options = (version: GoVersion): fc.Arbitrary<MoveOptions> =>
  fc.record(
    {
      maxRetry: fc.constantFrom(0, 1, 2),
      timeoutSec: fc.constantFrom(30, 0),
      deadlineInSec: fc.constantFrom(-50, 5_000, 50_000),
      uniqueTtlSec: fc.constantFrom(140, 140.9, 1_040, 100 * day + 40),
      processAtInSec: fc.constantFrom(-50, 150, 950),
      processInSec: fc.oneof(delaySec, fc.constant(150.4)),
      retentionSec: fc.oneof(delaySec, fc.constant(150.7)),
      group,
      ...(version === "v0.26.0"
        ? { headers: fc.dictionary(fc.constantFrom("trace", "ü", ""), fc.constantFrom("1", ""), { maxKeys: 2 }) }
        : {}),
    },
    { requiredKeys: [] },
  );

const newTask = (version: GoVersion): fc.Arbitrary<MoveTask> => {
  const drawnId = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<string | Uint8Array>(...ids) },
    { weight: 2, arbitrary: fc.uint8Array({ minLength: 16, maxLength: 16 }) },
  );
  const named = fc
    .tuple(fc.constantFrom("email:send", "ünï", "part"), payloads(version), drawnId, options(version), fc.infiniteStream(fc.nat(2)))
    .map(([type, payload, taskId, given, dice]): MoveTask => ({ type, payload, id: taskId, options: thinned(given, dice) }));
  const held = fc.constantFrom({}, { maxRetry: 0 }, { retentionSec: 150 }, { uniqueTtlSec: 1_040 });
  return fc.oneof(
    { weight: 96, arbitrary: named },
    { weight: 8, arbitrary: held.map((given): MoveTask => ({ type: "t", payload: text("hold"), id: "hold", options: given })) },
    // A second each time it runs.
    { weight: 1, arbitrary: fc.constant<MoveTask>({ type: "t", payload: text("late"), id: "d", options: { timeoutSec: 1, maxRetry: 1 } }) },
  );
};

/** Two thirds of the options left out, or tasks would hardly ever meet; and one due time at most. */
function thinned(drawn: MoveOptions, dice: Iterator<number>): MoveOptions {
  const { processInSec, ...rest }: MoveOptions = Object.fromEntries(Object.entries(drawn).filter(() => dice.next().value === 0));
  return processInSec === undefined || rest.processAtInSec !== undefined ? rest : { ...rest, processInSec };
}

/**
 * Go takes the lock of a task whose id it then finds taken, and leaves it (`docs/extensions.md`, Refused tasks): what comes next in the same
 * call must not want that lock.
 */
function lockedOnce(tasks: readonly MoveTask[]): MoveTask[] {
  const lockOf = ({ type, payload }: MoveTask): string => `${type} ${payload?.join()}`;
  const mayLeaveLock = (task: MoveTask): boolean => typeof task.id === "string" && task.options.uniqueTtlSec !== undefined;
  return tasks.filter((task, i) => !tasks.slice(0, i).some((earlier) => mayLeaveLock(earlier) && lockOf(earlier) === lockOf(task)));
}

const bulk: Readonly<Record<"runAll" | "archiveAll" | "deleteAll", readonly TaskState[]>> = {
  runAll: ["scheduled", "retry", "archived", "aggregating"],
  archiveAll: ["pending", "scheduled", "retry", "aggregating"],
  deleteAll: ["pending", "scheduled", "retry", "archived", "completed", "aggregating"],
};

function anyMove(version: GoVersion): fc.Arbitrary<Move> {
  const work = (whileHeld: WhileHeld): Move => ({ move: "work", whileHeld, groupMaxSize: undefined });
  const aggregate = (groupMaxSize: number): Move => ({ move: "work", whileHeld: "nothing", groupMaxSize });
  const bulkMoves = Object.entries(bulk).flatMap(([move, states]) => states.map((state) => ({ move, state }) as const));
  const tasks = fc.array(newTask(version), { minLength: 1, maxLength: 4 }).map(lockedOnce);
  const ofQueue = fc.tuple(queue, id);
  return fc.oneof(
    { weight: 20, arbitrary: fc.tuple(queue, tasks).map(([of, some]): Move => ({ move: "enqueue", queue: of, tasks: some })) },
    { weight: 10, arbitrary: fc.constantFrom<WhileHeld>("nothing", "nothing", "look", "cancel", "shut-down").map(work) },
    // A second or two of Go's each.
    { weight: 1, arbitrary: fc.constantFrom(0, 2).map(aggregate) },
    { weight: 10, arbitrary: passSec.map((sec): Move => ({ move: "pass", sec })) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom("pause", "unpause"), queue).map(([move, of]): Move => ({ move, queue: of })) },
    { weight: 1, arbitrary: id.map((canceled): Move => ({ move: "cancel", id: canceled })) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.constantFrom("run", "archive", "delete"), ofQueue)
        .map(([move, [of, at]]): Move => ({ move, queue: of, id: at })),
    },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...bulkMoves), queue, group).map(([all, of, ofGroup]) => toBulk(all, of, ofGroup)) },
    { weight: 1, arbitrary: fc.tuple(queue, fc.boolean()).map(([of, force]): Move => ({ move: "deleteQueue", queue: of, force })) },
    {
      weight: version === "v0.26.0" ? 2 : 0,
      arbitrary: ofQueue.map(([of, at]): Move => ({ move: "updatePayload", queue: of, id: at, payload: text("ok updated") })),
    },
  );
}

function toBulk({ move, state }: { readonly move: string; readonly state: TaskState }, of: Queue, ofGroup: string): Move {
  return { move, state, queue: of, ...(state === "aggregating" ? { group: ofGroup } : {}) } as Move;
}

/** Histories of up to so many moves. */
export function histories(version: GoVersion, maxMoves = 24): fc.Arbitrary<readonly Move[]> {
  return fc.array(anyMove(version), { minLength: 6, maxLength: maxMoves, size: "max" }).map((moves) => moves.flatMap(forwardedFirst));
}

/**
 * Go names no group into which it forwards a task (`docs/extensions.md`, Group index), so its aggregator does not look there: what is due is
 * forwarded before, and the two are made even.
 */
function forwardedFirst(move: Move): readonly Move[] {
  return move.move === "work" && move.groupMaxSize !== undefined ? [{ ...move, groupMaxSize: undefined }, move] : [move];
}

/** The same with few retries: so soon no failed task waits longer than time passes in one go, by Asynq's own delays. */
export function brieflyRetried(history: readonly Move[]): readonly Move[] {
  return history.map((move) =>
    move.move === "enqueue" ? { ...move, tasks: move.tasks.map((task) => ({ ...task, options: { maxRetry: 2, ...task.options } })) } : move,
  );
}
