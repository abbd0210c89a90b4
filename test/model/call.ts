/**
 * What a request to Redis is to the model: calls, one for each command, that change a keyspace and are answered. An operation is a
 * generator of requests, so that any of them may be lost, repeated or come late.
 * @module
 */
import type { Reply } from "@asynqjs/core";
import type { Keyspace } from "./keyspace.ts";

/** An error reply, by its first word. */
export class Refusal {
  readonly reply: string;
  constructor(reply: string) {
    this.reply = reply;
  }
}

/** What an operation is to throw. */
export class Thrown {
  readonly thrown: string;
  constructor(thrown: string) {
    this.thrown = thrown;
  }
}

export interface Answer {
  readonly value: unknown;
  /** Whether the script keeps a record of it, by which a repetition is answered. */
  readonly recorded: boolean;
}

export interface Call {
  /** The script's name, or the plain command's. */
  readonly name: string;
  /** Carries it out. What Redis may choose, such as the order of a scan, it takes from the reply. */
  readonly apply: (keyspace: Keyspace, reply: Reply) => Answer;
  /** What a repetition is answered by the record, and by what reply; where absent, what the first was. */
  readonly again?: (keyspace: Keyspace, first: unknown) => { readonly value: unknown; readonly reply?: Reply };
}

/** Requests that are under way at once; the answers to all their calls come back in the same shape. */
export type Requests = readonly (readonly Call[])[];

/** An operation's requests, one after the other; what it returns is what the operation answers. */
export type Steps = Generator<Requests, unknown, readonly (readonly unknown[])[]>;

export const recorded = (value: unknown): Answer => ({ value, recorded: true });
export const unrecorded = (value: unknown): Answer => ({ value, recorded: false });
/** A container of the wrong kind: nothing is written, no record kept. */
export const wrongKind: Answer = unrecorded(new Refusal("WRONGTYPE"));

/** One request of one call; its answer. */
export function* ask(call: Call): Generator<Requests, unknown, readonly (readonly unknown[])[]> {
  const answers = yield [[call]];
  return answers[0]![0];
}

/** One request of several calls; their answers. None where there is no call. */
export function* askAll(calls: readonly Call[]): Generator<Requests, readonly unknown[], readonly (readonly unknown[])[]> {
  if (calls.length === 0) return [];
  const answers = yield [calls];
  return answers[0]!;
}

/** What an operation reports of a call that Redis refused. */
export function errorOf(answer: unknown): { readonly error: string } | undefined {
  return answer instanceof Refusal ? { error: answer.reply } : undefined;
}
