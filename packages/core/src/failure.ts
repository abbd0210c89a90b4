/**
 * What becomes of a task that failed, or whose worker was lost. Decided here and nowhere else; nothing is written.
 * @see Asynq processor.go, `handleFailedMessage`, and recoverer.go, which decide it twice
 * @module
 */
import type { Random } from "./clock.ts";
import { CanceledError } from "./errors.ts";
import type { TaskMessage } from "./task-message.ts";

/** Throw it from a handler, or set it as the `cause` of what you throw, and the task is archived at once. Asynq: `SkipRetry`. */
export class SkipRetry extends Error {
  readonly code = "SKIP_RETRY";
  override name = "SkipRetry";
  constructor(message = "skip retry for the task", options?: ErrorOptions) {
    super(message, options);
  }
}

/** Throw it from a handler, or set it as the `cause` of what you throw, and the task is gone: neither retried nor archived. Asynq: `RevokeTask`. */
export class RevokeTask extends Error {
  readonly code = "REVOKE_TASK";
  override name = "RevokeTask";
  constructor(message = "revoke task", options?: ErrorOptions) {
    super(message, options);
  }
}

export type FailureDecision =
  | { readonly to: "revoke" }
  | { readonly to: "archive" }
  | { readonly to: "retry"; readonly afterMs: number; readonly isFailure: boolean };

export interface FailurePolicy {
  /** Whether an error counts as a failure: one that does not charges no retry. Asynq: `IsFailure`. */
  readonly isFailure: (error: unknown) => boolean;
  /** How long to wait, given how many failures were counted before this one. Asynq: `RetryDelayFunc`. */
  readonly retryDelayMs: (retried: number, error: unknown) => number;
  /** What becomes of a task whose run was canceled. Default `"retry"`, as in Asynq: it is a failure like any other. */
  readonly onCancel?: OnCancel | undefined;
}

export type OnCancel = "retry" | "archive" | "delete";

/**
 * Asynq's order: revoke, then archive when the retries are spent or the handler says so, then retry. What the handler says when it is
 * canceled goes before `onCancel`.
 */
export function decideFailure(message: Pick<TaskMessage, "retry" | "retried">, error: unknown, policy: FailurePolicy): FailureDecision {
  if (hasCode(error, "REVOKE_TASK")) return { to: "revoke" };
  if (hasCode(error, "SKIP_RETRY")) return { to: "archive" };
  const onCancel = isCanceled(error) ? policy.onCancel : undefined;
  if (onCancel === "delete") return { to: "revoke" };
  if (onCancel === "archive") return { to: "archive" };
  if (message.retried >= message.retry) return { to: "archive" };
  return { to: "retry", afterMs: policy.retryDelayMs(message.retried, error), isFailure: policy.isFailure(error) };
}

/** Asynq's delay: n⁴ + 15 + r·(n+1) seconds, r a whole number from 0 to 29. @see Asynq server.go, `DefaultRetryDelayFunc` */
export function defaultRetryDelayMs(retried: number, random: Random): number {
  return 1000 * (retried ** 4 + 15 + Math.floor(random.float() * 30) * (retried + 1));
}

export interface RecoveryPolicy {
  readonly random: Random;
  /** Whether a task that may not be retried is run again all the same after its worker was lost. Default false: it is archived, as in Asynq. */
  readonly recoverNoRetry?: boolean | undefined;
}

export type RecoveryDecision =
  | { readonly to: "archive"; readonly crashes: number }
  | { readonly to: "retry"; readonly afterMs: number; readonly recovered: string };

/** A task may lose so many workers; then it is archived. */
export const maxRecoveries = 3;

/**
 * A lost worker is no failure of the task: nothing is charged, up to three times. The count is void once a failure was counted since
 * (`<count>@<retried>`). A task with `retry` 0 is archived, as in Asynq.
 */
export function decideRecovery(
  message: Pick<TaskMessage, "retry" | "retried">,
  recovered: string | undefined,
  { random, recoverNoRetry = false }: RecoveryPolicy,
): RecoveryDecision {
  const [count, retried] = (recovered ?? "").split("@").map(Number);
  const crashes = (count && retried === message.retried ? count : 0) + 1;
  if (crashes >= maxRecoveries || (message.retry === 0 && !recoverNoRetry)) return { to: "archive", crashes };
  return { to: "retry", afterMs: 1000 * 2 ** crashes * (1 + random.float()), recovered: `${crashes}@${message.retried}` };
}

export type HandBackDecision =
  | { readonly to: "hand-back"; readonly afterMs: number; readonly handedBack: number }
  | { readonly to: "fail" };

/** A task of an unknown type is handed back so many times; then that is a failure. */
export const maxHandBacks = 10;
const longestHandBackMs = 60_000;

/**
 * A task for whose type a server has no handler is put off for another server, nothing charged: due after 1 s · 2ⁿ, at most 60 s, n being how
 * often it was handed back before; the eleventh time it fails.
 */
export function decideHandBack(handedBack: number): HandBackDecision {
  if (handedBack >= maxHandBacks) return { to: "fail" };
  return { to: "hand-back", afterMs: Math.min(1000 * 2 ** handedBack, longestHandBackMs), handedBack: handedBack + 1 };
}

/** Whether an error, or what caused it, says that no handler is registered for the task's type. */
export function isHandlerNotFound(error: unknown): boolean {
  return hasCode(error, "HANDLER_NOT_FOUND");
}

/** Ours alone: a handler's own error of that name is a failure like any other. */
function isCanceled(error: unknown): boolean {
  try {
    return error instanceof CanceledError;
  } catch {
    return false;
  }
}

/** Whether an error, or what caused it, has this code: two copies of a package make two classes, so classes are not compared. */
function hasCode(error: unknown, code: string): boolean {
  try {
    for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 16; depth++) {
      if ((at as { code?: unknown }).code === code) return true;
      at = (at as { cause?: unknown }).cause;
    }
  } catch {
    // It cannot even be looked at, so it says nothing.
  }
  return false;
}
