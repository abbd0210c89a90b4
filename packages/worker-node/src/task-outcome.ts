import {
  type Clock,
  type DequeuedTask,
  decideFailure,
  decideHandBack,
  type FailureDecision,
  type TaskMessage,
  type TaskOutcome,
  unixSec,
} from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import type { Settings } from "./config.ts";
import { errorText } from "./error-text.ts";
import type { Counter, Counters } from "./metrics.ts";
import type { ProcessingTask } from "./processing-task.ts";

/** What is to be written, and what it counts as once it is. */
export interface Ending {
  readonly outcome: TaskOutcome;
  readonly counter: Counter;
}

/** A longer wait than a hundred years is a mistake of the one who asked for it. */
const longestDelayMs = 100 * 365 * 24 * 3600 * 1000;

/** Who may write: the token of the dequeue. */
export function fenced({ queue, id, token }: DequeuedTask): Pick<TaskOutcome, "queue" | "id" | "fence"> {
  return { queue, id, fence: { token } };
}

/** The handler succeeded: gone, or kept for its retention. @see Asynq processor.go, `handleSucceededMessage` */
export function successEnding(task: DequeuedTask, { uniqueKey, retentionSec }: TaskMessage, clock: Pick<Clock, "nowMs">): Ending {
  if (retentionSec === undefined || retentionSec <= 0) return { outcome: { ...fenced(task), to: "done", uniqueKey }, counter: "done" };
  const completedAtSec = unixSec(clock.nowMs());
  const msg = patchTaskMessage(task.msg, { completedAtSec });
  return {
    outcome: { ...fenced(task), to: "completed", msg, expireAtSec: completedAtSec + retentionSec, uniqueKey },
    counter: "completed",
  };
}

/** No handler for its type: put off for another server, or `undefined` when that was done often enough and it is a failure. */
export function handBackEnding(task: DequeuedTask, error: unknown, handedBackBefore: number, nowMs: number): Ending | undefined {
  const decision = decideHandBack(handedBackBefore);
  if (decision.to === "fail") return undefined;
  const { afterMs, handedBack } = decision;
  const msg = patchTaskMessage(task.msg, { errorMsg: errorText(error) });
  return {
    outcome: { ...fenced(task), to: "handed-back", msg, dueAtSec: unixSec(nowMs + afterMs), handedBack },
    counter: "handedBack",
  };
}

/** The run failed: gone, archived or tried again, as core decides. @see Asynq processor.go, `handleFailedMessage` */
export function failureEnding(
  task: DequeuedTask,
  message: TaskMessage,
  processing: ProcessingTask,
  error: unknown,
  { clock, logger, ...settings }: Settings,
  counters: Counters,
): Ending {
  const decision = decide();
  const nowMs = clock.nowMs();
  const changes = { errorMsg: errorText(error), lastFailedAtSec: unixSec(nowMs) };
  switch (decision.to) {
    case "revoke":
      return { outcome: { ...fenced(task), to: "done", uniqueKey: message.uniqueKey }, counter: "revoked" };
    case "archive":
      if (message.retried >= message.retry) logger.warn("retry exhausted", { queue: task.queue, id: task.id, retried: message.retried });
      return { outcome: { ...fenced(task), to: "archived", msg: patchTaskMessage(task.msg, changes) }, counter: "archived" };
    case "retry": {
      const { afterMs, isFailure } = decision;
      const msg = patchTaskMessage(task.msg, isFailure ? { ...changes, retried: message.retried + 1 } : changes);
      return { outcome: { ...fenced(task), to: "retry", msg, retryAtSec: unixSec(nowMs + afterMs), isFailure }, counter: "retried" };
    }
  }

  /** Core's decision, with the user's two functions kept from stopping it. */
  function decide(): FailureDecision {
    const policy = {
      onCancel: settings.onCancel,
      isFailure: (failed: unknown) => guarded("isFailure", () => settings.isFailure(failed) !== false) ?? true,
      retryDelayMs: (retried: number, failed: unknown) =>
        guarded("retryDelayFunc", () => checkDelay(settings.retryDelayMs(retried, failed, processing))) ?? settings.defaultDelayMs(retried),
    };
    return decideFailure(message, error, policy);
  }

  function guarded<T>(option: string, call: () => T): T | undefined {
    try {
      return call();
    } catch (thrown) {
      counters.add("callbackErrors");
      logger.error(`${option} failed`, { queue: task.queue, id: task.id, error: errorText(thrown) });
      return undefined;
    }
  }
}

function checkDelay(delayMs: number): number {
  if (typeof delayMs !== "number" || !(delayMs >= 0)) throw new Error("expected a number of milliseconds from 0");
  return Math.min(delayMs, longestDelayMs);
}
