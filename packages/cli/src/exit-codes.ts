/**
 * What the exit code of a run says, and how an error becomes one line of text and such a code.
 * @module
 */

/** The documented exit codes. */
export const exitCodes = {
  ok: 0,
  /** Something went wrong that no other code is for; of several things asked for, one at least. */
  failed: 1,
  /** The command line, the environment or the config file cannot be used. Nothing was sent. */
  usage: 2,
  /** There is no such queue, task, group or cron entry. */
  notFound: 3,
  /** It is there and in a state in which that cannot be done: a queue not empty, a task that runs, an id that is taken. */
  conflict: 4,
  /** Redis could not be reached, or gave no answer in time. */
  unreachable: 5,
  /** Redis knows neither user nor password, or does not allow them what was asked. */
  denied: 6,
  /** It needs a yes, and there was none. Nothing was changed. */
  unconfirmed: 7,
  /** What was looked at is not in order. */
  findings: 8,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An error whose message is one line that says what to do. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

const codesOfErrors: Readonly<Record<string, ExitCode>> = {
  INVALID_OPTION: exitCodes.usage,
  INVALID_PAYLOAD: exitCodes.usage,
  CRON_SPEC: exitCodes.usage,
  QUEUE_NOT_FOUND: exitCodes.notFound,
  TASK_NOT_FOUND: exitCodes.notFound,
  CRON_ENTRY_NOT_FOUND: exitCodes.notFound,
  QUEUE_NOT_EMPTY: exitCodes.conflict,
  TASK_STATE: exitCodes.conflict,
  TASK_ID_CONFLICT: exitCodes.conflict,
  DUPLICATE_TASK: exitCodes.conflict,
  CRON_ENTRY_EXISTS: exitCodes.conflict,
  CRON_ENTRY_VERSION: exitCodes.conflict,
};

/** The refusals of Redis that are about who asks. */
const denials = /^(?:NOAUTH|WRONGPASS|NOPERM)$/;

/** What is used of core's errors, by shape: they are not loaded for it. */
interface Failure {
  readonly code?: unknown;
  readonly reply?: unknown;
  readonly status?: unknown;
  readonly cause?: unknown;
}

/** The exit code that an error of any kind ends a run with. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  const { code, reply, status } = Object(error) as Failure;
  if (code !== "REDIS") return (typeof code === "string" && codesOfErrors[code]) || exitCodes.failed;
  if (status === 401 || status === 403 || (typeof reply === "string" && denials.test(reply))) return exitCodes.denied;
  return reply === undefined && (status === undefined || Number(status) >= 500) ? exitCodes.unreachable : exitCodes.failed;
}

/** What to do about some of core's errors. */
const todos: Readonly<Record<string, string>> = {
  QUEUE_NOT_FOUND: "see 'asynqjs queue list'",
  CRON_ENTRY_NOT_FOUND: "see 'asynqjs cron list'",
  CRON_ENTRY_EXISTS: "choose another id, or remove that one by 'asynqjs cron rm'",
  CRON_ENTRY_VERSION: "try again",
};

/** An error of any kind in one line. */
export function lineOf(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).replace(/\s*[\r\n]+\s*/g, " ").trim();
  const { code, reply } = Object(error) as Failure;
  const todo = error instanceof CliError ? undefined : reply === "WRONGTYPE" ? "see 'asynqjs doctor --deep'" : todos[String(code)];
  return todo === undefined ? line : `${line}; ${todo}`;
}
