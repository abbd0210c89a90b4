/**
 * A script is a TypeScript module: its keys and arguments declared by name (`defineScript`), given their values (`bind`), and sent (`run`).
 * TypeScript refuses a call that lacks or invents a name.
 * @module
 */

import type { Broker } from "./broker.ts";
import { replayWindowSec } from "./call-records.ts";
import { RedisError, StaleCallError } from "./errors.ts";
import { absentKey, callKey } from "./keys.ts";
import { packBytes } from "./lua/bytes.ts";
import { afterTries } from "./redis/refusal.ts";
import type { Command, CommandResult, CommandWord, MarkedBytes, RedisFeatures, Reply, SendOptions } from "./redis.ts";

export { defineScript, type ScriptSpec, sha1 } from "./define-script.ts";

/** `text` is well-formed text or a number, `bytes` anything at all. */
export type ArgKind = "text" | "bytes";
export type ArgKinds = Readonly<Record<string, ArgKind>>;
type ArgValue<K extends ArgKind> = K extends "bytes" ? Uint8Array | MarkedBytes : string | number;
type ArgValues<A extends ArgKinds> = { readonly [Name in keyof A]: ArgValue<A[Name]> };

/** What is sent once (`keys`, `args`) and what is sent per item (`each`, and keys of an item in `eachKeys`). */
export interface ScriptNames<K extends string, A extends ArgKinds, EK extends string, E extends ArgKinds, R> {
  readonly name: string;
  /**
   * `record`: it writes, and carries a call record: a repeated call is answered with the reply stored by the first, unless the body asks
   * `replayed` itself (`record-in-body`). `idempotent`: it writes, under keys that belong to its caller alone, and a repetition writes the
   * same: no record. `read`: it writes nothing.
   */
  readonly effect: "record" | "record-in-body" | "idempotent" | "read";
  readonly keys: readonly K[];
  readonly args: A;
  readonly eachKeys?: readonly EK[];
  readonly each?: E;
  /** Turns the reply into what the operation answers; told how many items were sent, 1 where there are none. */
  readonly decode: (reply: Reply, items: number) => R;
}

export interface Script<K extends string, A extends ArgKinds, EK extends string, E extends ArgKinds, R>
  extends ScriptNames<K, A, EK, E, R> {
  /** The whole text for each way it is linked. */
  readonly text: (codec: RedisFeatures["codec"], allowOom: boolean) => string;
  /** The name Redis knows that text by. */
  readonly sha: (codec: RedisFeatures["codec"], allowOom: boolean) => string | Promise<string>;
}

/** A script with its values, ready to be sent. */
export interface BoundScript<R> {
  readonly script: Pick<Script<string, ArgKinds, string, ArgKinds, R>, "name" | "effect" | "text" | "sha" | "decode">;
  /** The queue whose slot the call belongs to: the first one, where there are several. */
  readonly queue: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number | Uint8Array | MarkedBytes)[];
  /** How many items; 1 where the script has none. */
  readonly items: number;
  /** Plain commands that go right before the script; they may be repeated. */
  readonly before: readonly Command[];
}

/** Gives a script its values. All names of the declaration must be there, and no other. */
export function bind<K extends string, A extends ArgKinds, EK extends string, E extends ArgKinds, R>(
  script: Script<K, A, EK, E, R>,
  values: {
    readonly queue: string;
    readonly keys: { readonly [Name in K]: string };
    readonly args: ArgValues<A>;
    readonly items?: readonly (ArgValues<E> & { readonly [Name in EK]: string })[];
    readonly before?: readonly Command[];
  },
): BoundScript<R> {
  const { queue, items = [], before = [] } = values;
  const { eachKeys = [], each = {} } = script;
  const keys: string[] = [];
  const args: ArgValue<ArgKind>[] = [];
  addValues(keys, script.keys, values.keys);
  addValues(args, Object.keys(script.args), values.args);
  for (const item of items) {
    addValues(keys, eachKeys, item);
    addValues(args, Object.keys(each), item);
  }
  return { script, queue, keys, args, items: values.items?.length ?? 1, before };
}

function addValues(to: unknown[], names: readonly string[], of: object): void {
  for (const name of names) to.push((of as Readonly<Record<string, unknown>>)[name]);
}

/** What became of one script among several: its decoded reply, or why Redis refused it. */
export type Outcome<R> =
  | {
      readonly value: R;
      /** Why a plain command before it failed although the script was answered. */
      readonly beforeError?: RedisError | undefined;
      readonly error?: never;
    }
  | { readonly value?: never; readonly beforeError?: never; readonly error: RedisError | StaleCallError };

/** Runs one script; its plain commands failed means that it failed. @throws {RedisError} @throws {StaleCallError} */
export async function run<R>(broker: Broker, script: BoundScript<R>, options: SendOptions = {}): Promise<R> {
  const [outcome] = await runAll(broker, [script], options);
  const { value, beforeError, error = beforeError } = outcome!;
  if (error !== undefined) throw error;
  return value as R;
}

/**
 * Runs several scripts in one request: by hash, and by text where Redis does not know the hash yet. Each carries its own call record, so
 * the port may repeat the request as it is.
 * @throws {RedisError} the way failed; what concerns one script alone is in its outcome
 */
export async function runAll<R>(broker: Broker, scripts: readonly BoundScript<R>[], options: SendOptions = {}): Promise<Outcome<R>[]> {
  if (scripts.length === 0) return [];
  const { redis, calls, clock } = broker;
  const sentAtMs = clock.monotonicMs();
  const { codec, allowOom, cluster } = await redis.features();
  const shas: string[] = [];
  for (const { script } of scripts) shas.push(await script.sha(codec, allowOom));
  const commands: Command[] = [];
  const sent = scripts.map(({ script, queue, keys, args, items, before }, i) => {
    const call = script.effect.startsWith("record") ? calls.take() : undefined;
    const words: CommandWord[] = [...keys];
    if (call) words.unshift(callKey(queue, call.client, call.lane));
    if (cluster) words.push(absentKey(queue));
    words.unshift("EVALSHA", shas[i]!, `${words.length}`);
    for (const arg of call ? [call.seq, replayWindowSec, ...args] : args)
      words.push(typeof arg !== "object" ? `${arg}` : codec === "json" ? packBytes(arg) : arg instanceof Uint8Array ? arg : arg.bytes);
    commands.push(...before, words);
    return { script, items, call, words, own: commands.length - 1, before: before.length };
  });

  let replies: CommandResult[];
  try {
    replies = [...(await redis.send(commands, options))];
  } catch (error) {
    if (error instanceof RedisError) for (const { call } of sent) if (call) calls.giveBack(call, error);
    throw error;
  }

  // What Redis does not know by hash it did not carry out, so by text it is the same call still. What goes wrong there concerns those
  // scripts alone: the others were answered.
  const unknown = sent.filter(({ own }) => replies[own]!.error?.reply === "NOSCRIPT");
  if (unknown.length > 0) {
    const byText = await redis
      .send(
        unknown.map(({ script, words }) => ["EVAL", script.text(codec, allowOom), ...words.slice(2)]),
        // Its neighbours may have been repeated all the while.
        { ...options, timeoutMs: options.timeoutMs && options.timeoutMs + sentAtMs - clock.monotonicMs() },
      )
      .catch((error: unknown): readonly CommandResult[] => {
        if (!(error instanceof RedisError)) throw error;
        return unknown.map(() => ({ error }));
      });
    // A try by hash that got no answer may have been carried out, before Redis forgot the script.
    for (const [i, { own }] of unknown.entries()) replies[own] = afterTries(byText[i]!, replies[own]!.error!.delivered);
  }

  return sent.map(({ script, items, call, own, before }): Outcome<R> => {
    const { reply, error } = replies[own]!;
    if (call) calls.giveBack(call, error);
    if (error) return { error: error.reply === "STALECALL" ? new StaleCallError(script.name) : error };
    let value: R;
    try {
      value = script.decode(reply, items);
    } catch (cause) {
      return { error: new RedisError("redis gave an answer that cannot be read", { delivered: "unknown", cause }) };
    }
    // The script was carried out all the same.
    const refused = replies.slice(own - before, own).find((answer) => answer.error)?.error;
    return { value, beforeError: refused?.asUnknown() };
  });
}
