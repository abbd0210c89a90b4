import type { Redis } from "ioredis";
import type { Keyspace } from "./keyspace.ts";
import { isCallRecord } from "./record-book.ts";

/** Every key, its value written down in one string, and its time to live, in one reply. */
const dumpLua = /* lua */ `
local time = redis.call("TIME")
local out = { time[1] * 1000 + math.floor(time[2] / 1000) }
local function written(sign, words)
  for i, text in ipairs(words) do words[i] = #text .. ":" .. text end
  return sign .. table.concat(words)
end
for _, key in ipairs(redis.call("KEYS", "*")) do
  local kind = redis.call("TYPE", key).ok
  local text
  if kind == "string" then
    text = "t" .. redis.call("GET", key)
  elseif kind == "list" then
    text = written("l", redis.call("LRANGE", key, 0, -1))
  elseif kind == "set" then
    text = written("s", redis.call("SMEMBERS", key))
  elseif kind == "hash" then
    text = written("h", redis.call("HGETALL", key))
  else
    local pairs = redis.call("ZRANGE", key, 0, -1, "WITHSCORES")
    for i = 2, #pairs, 2 do pairs[i] = string.format("%.17g", tonumber(pairs[i])) end
    text = written("z", pairs)
  end
  out[#out + 1] = key
  out[#out + 1] = text
  out[#out + 1] = redis.call("PTTL", key)
end
return out
`;

/** What Redis holds, in the words of `Keyspace.written`, and its time. */
export interface Dump {
  readonly keys: ReadonlyMap<string, { readonly text: string; readonly leftMs: number }>;
  readonly nowMs: number;
}

/** Reads a database whole, in one round trip. */
export class KeyspaceReader {
  readonly #redis: Redis;
  #sha: string | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Redis was made to forget its scripts. */
  forget(): void {
    this.#sha = undefined;
  }

  async read(): Promise<Dump> {
    this.#sha ??= (await this.#redis.script("LOAD", dumpLua)) as string;
    const flat = (await this.#redis.callBuffer("EVALSHA", this.#sha, "0")) as (Buffer | number)[];
    const keys = new Map<string, { text: string; leftMs: number }>();
    for (let at = 1; at < flat.length; at += 3) {
      const [key, text, leftMs] = flat.slice(at, at + 3) as [Buffer, Buffer, number];
      keys.set(key.toString("latin1"), { text: text.toString("latin1"), leftMs });
    }
    return { keys, nowMs: flat[0] as number };
  }
}

/** What differs between Redis and the model, a line each; `elapsedMs` has passed at most since the times to live were set. */
export function compareKeyspaces(real: Dump, model: Keyspace, elapsedMs: number): string[] {
  const lines: string[] = [];
  for (const [key, { text, leftMs }] of real.keys) {
    if (isCallRecord(key)) continue;
    const predicted = model.written(key);
    if (predicted === undefined) {
      lines.push(`redis has ${key}: ${readable(text)}`);
      continue;
    }
    if (text !== predicted && inOrder(text) !== predicted) {
      lines.push(`${key}:`, `  redis ${readable(text)}`, `  model ${readable(predicted)}`);
    }
    const left = model.isAbsolute(key) ? model.leftMs(key)! + model.nowMs - real.nowMs : model.leftMs(key);
    if (left === undefined ? leftMs !== -1 : leftMs > left || leftMs < left - elapsedMs) {
      lines.push(`${key} ends in ${leftMs} ms, by the model in ${left ?? -1} ms`);
    }
  }
  for (const key of model.keys()) if (!real.keys.has(key)) lines.push(`redis lacks ${key}: ${readable(model.written(key)!)}`);
  return lines;
}

/** Sets and hashes have no order in Redis. */
function inOrder(text: string): string {
  const sign = text[0]!;
  if (sign !== "s" && sign !== "h") return text;
  const words = readWords(text);
  const size = sign === "s" ? 1 : 2;
  const entries = Array.from({ length: words.length / size }, (_, i) => words.slice(i * size, i * size + size));
  entries.sort(([a], [b]) => (a! < b! ? -1 : 1));
  return (
    sign +
    entries
      .flat()
      .map((word) => `${word.length}:${word}`)
      .join("")
  );
}

/** The words of a list, set, sorted set or hash that was written down. */
function readWords(text: string): string[] {
  const words: string[] = [];
  for (let at = 1; at < text.length; ) {
    const colon = text.indexOf(":", at);
    const end = colon + 1 + Number(text.slice(at, colon));
    words.push(text.slice(colon + 1, end));
    at = end;
  }
  return words;
}

function readable(text: string): string {
  const shown = text[0] === "t" ? [text.slice(1)] : readWords(text);
  return shown.map((word) => (/^[\x20-\x7e]*$/.test(word) && word !== "" ? word : JSON.stringify(word))).join(" ");
}
