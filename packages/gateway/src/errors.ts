/** What goes wrong in the gateway itself. Across packages test `error.code`; the codes are those of `@asynqjs/core`. */

/** A setting that cannot be used: names it and what was expected, never its value. Thrown before any I/O. */
export class GatewayOptionError extends Error {
  readonly code = "INVALID_OPTION";
  /** The option's name as the caller wrote it, such as `limits.timeoutMs`. */
  readonly option: string;

  constructor(option: string, expected: string) {
    super(`invalid ${option}: ${expected}`);
    this.name = "GatewayOptionError";
    this.option = option;
  }
}

/** Why Redis gave no answer: there was no connection, the connection broke, or the time was up. */
export type NoAnswerReason = "not-connected" | "connection-lost" | "timeout";

/** Redis gave no answer. After `not-connected` nothing was sent; after the others the commands may have run. */
export class NoAnswerError extends Error {
  readonly code = "REDIS";
  readonly reason: NoAnswerReason;

  constructor(reason: NoAnswerReason, text: string) {
    super(text);
    this.name = "NoAnswerError";
    this.reason = reason;
  }
}

/** A request that is answered with an error body and this status, before anything was sent to Redis. */
export class Refusal extends Error {
  readonly status: 400 | 401 | 403 | 404 | 405 | 408 | 413 | 429;

  constructor(status: Refusal["status"], text: string) {
    super(text);
    this.name = "Refusal";
    this.status = status;
  }
}
