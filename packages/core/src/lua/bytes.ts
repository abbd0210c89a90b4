/**
 * How bytes cross a transport that carries JSON text. A part that is UTF-8 travels as it is; any other byte as the code point of the same
 * number, which arrives as two bytes above 0x7f and is folded back in Lua. Three parts in one word, `<a>:<b>:<text>`: `a` bytes to fold,
 * `b` bytes as they are, the rest to fold.
 * @module
 */
import { encodeText } from "../encode-text.ts";
import type { MarkedBytes } from "../redis.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undoes `packBytes`. A pair of bytes is worked out once: long parts hold the same few over and over. */
export const bytesPrelude: string = /* lua */ `
local known = {}
local function fold(part)
  return (string.gsub(part, "[\\194\\195].", function(pair)
    local byte = known[pair] or string.char(string.byte(pair) % 4 * 64 + string.byte(pair, 2) % 64)
    known[pair] = byte
    return byte
  end))
end
local function unpack_bytes(word)
  local a, b, at = string.match(word, "^(%d+):(%d+):()")
  local text_at = at + a
  local rest_at = text_at + b
  return fold(string.sub(word, at, text_at - 1)) .. string.sub(word, text_at, rest_at - 1) .. fold(string.sub(word, rest_at))
end
`;

/** Bytes as one word of JSON text; `unpack_bytes` in Lua makes the same bytes of it. */
export function packBytes(value: Uint8Array | MarkedBytes): string {
  const { bytes, textStart, textEnd } = value instanceof Uint8Array ? { bytes: value, textStart: 0, textEnd: value.length } : value;
  try {
    const text = strictUtf8.decode(bytes.subarray(textStart, textEnd));
    const before = unfold(bytes.subarray(0, textStart));
    return `${encodeText(before).length}:${textEnd - textStart}:${before}${text}${unfold(bytes.subarray(textEnd))}`;
  } catch {
    return `0:0:${unfold(bytes)}`;
  }
}

/**
 * The bytes that `unpack_bytes` in Lua makes of a word, for who has to look at them on the way.
 * @returns `undefined` where Lua would fail, or make of it what `packBytes` never writes
 */
export function unpackBytes(word: string): Uint8Array | undefined {
  const [head, folded, plain] = /^(\d{1,10}):(\d{1,10}):/.exec(word) ?? [];
  if (head === undefined) return undefined;
  const text = encodeText(word.slice(head.length));
  const textStart = Number(folded);
  const textEnd = textStart + Number(plain);
  if (textEnd > text.length) return undefined;
  const before = fold(text.subarray(0, textStart));
  const after = fold(text.subarray(textEnd));
  if (before === undefined || after === undefined) return undefined;
  const bytes = new Uint8Array(before.length + textEnd - textStart + after.length);
  bytes.set(before);
  bytes.set(text.subarray(textStart, textEnd), before.length);
  bytes.set(after, before.length + textEnd - textStart);
  return bytes;
}

/** Undoes `unfold`; `undefined` for what it did not write. */
function fold(utf8: Uint8Array): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < utf8.length; at++) {
    const byte = utf8[at]!;
    if (byte < 0x80) bytes.push(byte);
    else {
      const next = utf8[++at];
      if ((byte !== 0xc2 && byte !== 0xc3) || next === undefined || next >> 6 !== 2) return undefined;
      bytes.push(((byte & 3) << 6) | (next & 63));
    }
  }
  return Uint8Array.from(bytes);
}

/** Each byte as the code point of its number; in pieces, since a call takes only so many arguments. Spread, they would take five times as long. */
function unfold(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]);
  return text;
}
