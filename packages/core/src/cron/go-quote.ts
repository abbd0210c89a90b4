/** Text as Go's `strconv.Quote` writes it, which is how Go's errors show what they could not read. */
export function quoteAsGo(text: string): string {
  return `"${Array.from(text.toWellFormed(), quoteOne).join("")}"`;
}

const named: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

function quoteOne(character: string): string {
  const code = character.codePointAt(0)!;
  if (named[character] !== undefined) return named[character];
  if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) return character;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

/** Text as Go's package `time` quotes it in its own errors: all but printable ASCII as bytes. */
export function quoteAsGoTime(text: string): string {
  const shown = Array.from(text.toWellFormed(), (character) => {
    const code = character.codePointAt(0)!;
    if (code >= 0x20 && code < 0x80) return character === '"' || character === "\\" ? `\\${character}` : character;
    return Array.from(new TextEncoder().encode(character), (byte) => `\\x${hex(byte, 2)}`).join("");
  });
  return `"${shown.join("")}"`;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
