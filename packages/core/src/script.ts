/**
 * A script is a TypeScript module: its keys and arguments declared by name, its Lua as a template, its reply decoded beside it. Lua reads
 * `pending`, not `KEYS[2]`, and TypeScript refuses a call that lacks or invents a name.
 * @module
 */

import type { Broker } from "./broker.ts";
import type { CallId } from "./call-records.ts";
import { replayWindowSec } from "./call-records.ts";
import { RedisError, StaleCallError } from "./errors.ts";
import { callKey } from "./keys.ts";
import { bytesPrelude, packBytes } from "./lua/bytes.ts";
import { callRecord } from "./lua/call-record.ts";
import type { Command, CommandResult, CommandWord, MarkedBytes, RedisFeatures, Reply, SendOptions } from "./redis.ts";

/** `text` is well-formed text or a number, `bytes` anything at all. */
type ArgKind = "text" | "bytes";
type ArgKinds = Readonly<Record<string, ArgKind>>;
type ArgValue<K extends ArgKind> = K extends "bytes" ? Uint8Array | MarkedBytes : string | number;
type ArgValues<A extends ArgKinds> = { readonly [Name in keyof A]: ArgValue<A[Name]> };

/** What is sent once (`keys`, `args`) and what is sent per item (`each`, and keys of an item in `eachKeys`). */
export interface ScriptSpec<K extends string, A extends ArgKinds, EK extends string, E extends ArgKinds, R> {
  readonly name: string;
  /**
   * `record`: it writes, and carries a call record: a repeated call is answered with the reply stored by the first, unless the body asks
   * `replayed` itself (`record-in-body`). `read`: it writes nothing.
   */
  readonly effect: "record" | "record-in-body" | "read";
  /** Sent with the header that lets it run while Redis is full, where Redis knows it: for what frees memory or keeps a lease. */
  readonly allowOom?: boolean;
  readonly keys: readonly K[];
  readonly args: A;
  readonly eachKeys?: readonly EK[];
  readonly each?: E;
  /**
   * The body. Every key and argument is a local of its name. `for_each_item(a, b) do` loops over the items with the named ones as locals
   * and `item` as their number; `item_count` says how many there are. A body with a record ends in `return remember(reply)`, where reply
   * is a string; what it returns otherwise writes no record.
   */
  readonly lua: string;
  /** Turns the reply into what the operation answers. */
  readonly decode: (reply: Reply) => R;
}

export interface Script<K extends string, A extends ArgKinds, EK extends string, E extends ArgKinds, R> extends ScriptSpec<K, A, EK, E, R> {
  /** The whole text for each way it is linked. */
  readonly text: (codec: RedisFeatures["codec"], allowOom: boolean) => string;
}

/** A script with its values, ready to be sent. */
export interface BoundScript<R> {
  readonly name: string;
  /** The queue whose slot the call belongs to: the first one, where there are several. */
  readonly queue: string;
  readonly text: (codec: RedisFeatures["codec"], allowOom: boolean) => string;
  readonly records: boolean;
  readonly keys: readonly string[];
  readonly args: readonly (string | number | Uint8Array | MarkedBytes)[];
  /** Plain commands that go right before the script; they may be repeated. */
  readonly before: readonly Command[];
  readonly decode: (reply: Reply) => R;
}

/**
 * Declares a script.
 * @throws {Error} at load, when the body names an item value that is not declared
 */
export function defineScript<
  K extends string,
  A extends ArgKinds,
  R,
  EK extends string = never,
  // biome-ignore lint/complexity/noBannedTypes: no per-item values where none are declared
  E extends ArgKinds = {},
>(spec: ScriptSpec<K, A, EK, E, R>): Script<K, A, EK, E, R> {
  const linked = new Map<string, string>();
  return {
    ...spec,
    text(codec, allowOom) {
      const header = spec.allowOom === true && allowOom;
      const variant = `${codec}${header}`;
      let text = linked.get(variant);
      if (text === undefined) {
        text = link(spec, codec, header);
        linked.set(variant, text);
      }
      return text;
    },
  };
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
  const items = values.items ?? [];
  const eachKeys = script.eachKeys ?? [];
  const each = Object.keys(script.each ?? {});
  return {
    name: script.name,
    queue: values.queue,
    text: script.text,
    records: script.effect !== "read",
    keys: [...script.keys.map((name) => values.keys[name]), ...items.flatMap((item) => eachKeys.map((name) => item[name]))],
    args: [
      ...Object.keys(script.args).map((name) => values.args[name]!),
      ...items.flatMap((item) => each.map((name) => (item as ArgValues<ArgKinds>)[name]!)),
    ],
    before: values.before ?? [],
    decode: script.decode,
  };
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
  const { redis } = broker;
  const { codec, allowOom } = await redis.features();
  const linked = await Promise.all(
    scripts.map(async (script) => {
      const text = script.text(codec, allowOom);
      return { script, text, sha: shas.get(text) ?? (await sha1(text)) };
    }),
  );
  const sent = linked.map(({ script, text, sha }) => {
    const call = script.records ? broker.calls.take() : undefined;
    const words = scriptWords(script, call, codec);
    return { script, call, byHash: ["EVALSHA", sha, ...words], byText: ["EVAL", text, ...words] };
  });

  let replies: readonly CommandResult[];
  try {
    replies = await redis.send(
      sent.flatMap(({ script, byHash }) => [...script.before, byHash]),
      options,
    );
  } catch (error) {
    if (isUndelivered(error)) for (const { call } of sent) giveBack(broker, call);
    throw error;
  }
  const results: CommandResult[] = [];
  const refused: (RedisError | undefined)[] = [];
  let at = 0;
  for (const { script } of sent) {
    const before = replies.slice(at, at + script.before.length);
    refused.push(before.find(({ error }) => error !== undefined)?.error);
    at += before.length;
    results.push(replies[at++]!);
  }
  await sendUnknownByText(broker, sent, results, options);

  return sent.map(({ script, call }, i): Outcome<R> => {
    const { reply, error } = results[i]!;
    if (error === undefined || error.reply !== undefined || isUndelivered(error)) giveBack(broker, call);
    if (error !== undefined) return { error: error.reply === "STALECALL" ? new StaleCallError(script.name) : error };
    const value = script.decode(reply);
    const before = refused[i];
    if (before === undefined) return { value };
    const { message, reply: word, status } = before;
    return { value, beforeError: new RedisError(message, { delivered: "unknown", reply: word, status }) };
  });
}

/**
 * Sends by text what Redis did not know by hash (it was not carried out, so it is the same call still). What goes wrong here concerns
 * those scripts alone: the others were answered.
 */
async function sendUnknownByText(
  { redis }: Broker,
  sent: readonly { readonly byText: Command }[],
  results: CommandResult[],
  options: SendOptions,
): Promise<void> {
  const unknown = sent.flatMap(({ byText }, i) => (results[i]!.error?.reply === "NOSCRIPT" ? [{ byText, i }] : []));
  if (unknown.length === 0) return;
  try {
    const replies = await redis.send(
      unknown.map(({ byText }) => byText),
      options,
    );
    for (const [at, { i }] of unknown.entries()) results[i] = replies[at]!;
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    for (const { i } of unknown) results[i] = { error };
  }
}

function giveBack({ calls }: Broker, call: CallId | undefined): void {
  if (call !== undefined) calls.giveBack(call);
}

function isUndelivered(error: unknown): boolean {
  return error instanceof RedisError && error.delivered === "no";
}

function scriptWords(script: BoundScript<unknown>, call: CallId | undefined, codec: RedisFeatures["codec"]): CommandWord[] {
  const keys = call === undefined ? script.keys : [callKey(script.queue, call.client, call.lane), ...script.keys];
  const words: CommandWord[] = [String(keys.length), ...keys];
  if (call !== undefined) words.push(String(call.seq), String(replayWindowSec));
  for (const arg of script.args) {
    if (typeof arg === "string") words.push(arg);
    else if (typeof arg === "number") words.push(String(arg));
    else words.push(codec === "json" ? packBytes(arg) : arg instanceof Uint8Array ? arg : arg.bytes);
  }
  return words;
}

/** Puts a script's text together: header, what the codec needs, names, the call record, the body. */
function link(
  { name, effect, keys, args, eachKeys = [], each = {}, lua }: Omit<ScriptSpec<string, ArgKinds, string, ArgKinds, unknown>, "decode">,
  codec: RedisFeatures["codec"],
  allowOom: boolean,
): string {
  const records = effect !== "read";
  const keyNames = records ? ["call", ...keys] : keys;
  const argNames = records ? ["seq", "window_s", ...Object.keys(args)] : Object.keys(args);
  const kinds: ArgKinds = { ...args };
  const read = (kind: ArgKind | undefined, word: string): string => (kind === "bytes" && codec === "json" ? `unpack_bytes(${word})` : word);
  const hasBytes = [...Object.values(args), ...Object.values(each)].includes("bytes");
  const itemNames = Object.keys(each);

  const loops = lua.replaceAll(/for_each_item\(([^)]*)\) do/g, (_, list: string) => {
    const wanted = list.split(",").map((word) => word.trim());
    const values = wanted.map((wantedName) => {
      const keyAt = eachKeys.indexOf(wantedName);
      if (keyAt >= 0) return `KEYS[${keyNames.length + keyAt + 1} + (item - 1) * ${eachKeys.length}]`;
      const argAt = itemNames.indexOf(wantedName);
      if (argAt < 0) throw new Error(`script ${name}: for_each_item names "${wantedName}", which is not declared`);
      return read(each[wantedName], `ARGV[${argNames.length + argAt + 1} + (item - 1) * ${itemNames.length}]`);
    });
    return `for item = 1, item_count do\n  local ${wanted.join(", ")} = ${values.join(", ")}`;
  });

  return [
    allowOom ? "#!lua flags=allow-oom" : undefined,
    `-- asynqjs ${name}`,
    codec === "json" && hasBytes ? bytesPrelude : undefined,
    keyNames.length > 0 ? `local ${keyNames.join(", ")} = ${keyNames.map((_, i) => `KEYS[${i + 1}]`).join(", ")}` : undefined,
    argNames.length > 0
      ? `local ${argNames.join(", ")} = ${argNames.map((arg, i) => read(kinds[arg], `ARGV[${i + 1}]`)).join(", ")}`
      : undefined,
    itemNames.length > 0 ? `local item_count = (#ARGV - ${argNames.length}) / ${itemNames.length}` : undefined,
    records ? callRecord : undefined,
    effect === "record" ? "if replayed then return replayed end" : undefined,
    loops,
  ]
    .filter((part) => part !== undefined)
    .map((part) => part.trim())
    .join("\n");
}

/** Kept as text, never as a promise: some runtimes refuse to await another request's promise. */
const shas = new Map<string, string>();

/** The name Redis knows a script by. */
export async function sha1(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text)));
  const sha = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  shas.set(text, sha);
  return sha;
}
