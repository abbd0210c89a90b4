/**
 * How bytes cross a transport that carries JSON text. A part that is UTF-8 travels as it is; any other byte as the code point of the same
 * number, which arrives as two bytes above 0x7f and is folded back in Lua. Three parts in one word, `<a>:<b>:<text>`: `a` bytes to fold,
 * `b` bytes as they are, the rest to fold.
 * @module
 */
import type { MarkedBytes } from "../redis.ts";

/** Undoes `packBytes`. Two passes for short parts, one pass with a table for long ones: each is the faster there. */
export const bytesPrelude: string = /* lua */ `
local folded_pair
local function fold(part)
  if not string.find(part, "[\\194\\195]") then return part end
  if #part < 2048 then
    part = string.gsub(part, "\\195(.)", function(low) return "\\194" .. string.char(string.byte(low) + 64) end)
    return (string.gsub(part, "\\194(.)", "%1"))
  end
  if not folded_pair then
    folded_pair = {}
    for code = 128, 255 do
      folded_pair[string.char(code >= 192 and 195 or 194, 128 + code % 64)] = string.char(code)
    end
  end
  return (string.gsub(part, "[\\194\\195].", folded_pair))
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
  const text = readUtf8(bytes.subarray(textStart, textEnd));
  if (text === undefined) return `${foldedLength(bytes)}:0:${unfold(bytes)}`;
  const before = bytes.subarray(0, textStart);
  return `${foldedLength(before)}:${textEnd - textStart}:${unfold(before)}${text}${unfold(bytes.subarray(textEnd))}`;
}

/** The text these bytes are, or `undefined` if they are not UTF-8. */
function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** How many bytes `unfold(bytes)` takes in UTF-8. */
function foldedLength(bytes: Uint8Array): number {
  let length = bytes.length;
  for (const byte of bytes) if (byte >= 0x80) length++;
  return length;
}

/** Each byte as the code point of its number; in pieces, since a call takes only so many arguments. */
function unfold(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
