/**
 * Declares a script and links it: its keys and arguments by name, its Lua as a template, its reply decoded beside it. Lua reads `pending`,
 * not `KEYS[2]`.
 * @module
 */
import { encodeText } from "./encode-text.ts";
import { hex } from "./hex.ts";
import { bytesPrelude } from "./lua/bytes.ts";
import { callRecord } from "./lua/call-record.ts";
import type { RedisFeatures } from "./redis.ts";
import type { ArgKind, ArgKinds, Script, ScriptNames } from "./script.ts";

/** A script's names and its body. */
export interface ScriptSpec<K extends string, A extends ArgKinds, EK extends string, E extends ArgKinds, R>
  extends ScriptNames<K, A, EK, E, R> {
  /** Sent with the header that lets it run while Redis is full, where Redis knows it: for what frees memory or keeps a lease. */
  readonly allowOom?: boolean;
  /**
   * The body. Every key and argument is a local of its name. `for_each_item(a, b) do` loops over the items with the named ones as locals
   * and `item` as their number; `item_count` says how many there are. `bytes_of(word)` reads a word of ARGV that no name is given to and
   * that is bytes. A body with a record ends in `return remember(reply)`, where reply is a string; what it returns otherwise writes no
   * record.
   */
  readonly lua: string;
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
  const text: Script<K, A, EK, E, R>["text"] = (codec, allowOom) => {
    const header = spec.allowOom === true && allowOom;
    const variant = `${codec}${header}`;
    let known = linked.get(variant);
    if (known === undefined) {
      known = link(spec, codec, header);
      linked.set(variant, known);
    }
    return known;
  };
  return { ...spec, text, sha: (codec, allowOom) => sha1(text(codec, allowOom)) };
}

/** Puts a script's text together: header, what the codec needs, names, the call record, the body. */
function link(
  { name, effect, keys, args, eachKeys = [], each = {}, lua }: Omit<ScriptSpec<string, ArgKinds, string, ArgKinds, unknown>, "decode">,
  codec: RedisFeatures["codec"],
  allowOom: boolean,
): string {
  const records = effect.startsWith("record");
  const keyNames = records ? ["call", ...keys] : keys;
  const argNames = records ? ["seq", "window_s", ...Object.keys(args)] : Object.keys(args);
  const kinds: ArgKinds = { ...args };
  const read = (kind: ArgKind | undefined, word: string): string => (kind === "bytes" && codec === "json" ? `unpack_bytes(${word})` : word);
  const hasBytes = [...Object.values(args), ...Object.values(each)].includes("bytes") || lua.includes("bytes_of(");
  const itemNames = Object.keys(each);

  const body = lua.replaceAll("bytes_of(", codec === "json" ? "unpack_bytes(" : "(");
  const loops = body.replaceAll(/for_each_item\(([^)]*)\) do/g, (_, list: string) => {
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

/** The name Redis knows a script by: at once, once it is known. */
export function sha1(text: string): string | Promise<string> {
  return shas.get(text) ?? digest(text);
}

async function digest(text: string): Promise<string> {
  const sha = hex(new Uint8Array(await crypto.subtle.digest("SHA-1", encodeText(text))));
  shas.set(text, sha);
  return sha;
}
