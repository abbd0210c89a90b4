import type { Clock, Random } from "@asynqjs/core";

/** A stream that text is written to, as Node's own are. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** How wide the terminal is. */
  readonly columns?: number | undefined;
}

/** All that a run has of the machine: the process's own, or what a test makes of them. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where `.asynq.yaml` is looked for. */
  readonly homeDir: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether somebody is there who can answer. */
  readonly interactive: boolean;
  /** Shows a question and answers the line that was typed. */
  ask(question: string): Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the run is told to stop: SIGINT, SIGTERM; or, with `outputClosed` for a reason, when nobody reads its output any more. */
  readonly signal: AbortSignal;
}

/** Why a run that would go on ends by itself; what has an end of its own is done as it was asked for. */
export const outputClosed: unique symbol = Symbol("nobody reads the output any more");
