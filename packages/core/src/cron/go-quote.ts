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

/** A Go string literal in double quotes, read; nothing where it is none. The inverse of {@link quoteAsGo}. */
export function readGoQuoted(literal: string): string | undefined {
  const body = /^"((?:[^"\\\n]|\\(?:[abfnrtv\\"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}))*)"$/.exec(literal);
  if (body === null) return undefined;
  const bytes: number[] = [];
  const utf8 = new TextEncoder();
  for (const [part, , digits] of body[0].slice(1, -1).matchAll(/\\(?:[xuU]([0-9a-fA-F]+)|([0-7]{3})|.)|[^\\]+/gs)) {
    if (part.startsWith("\\x")) bytes.push(Number.parseInt(part.slice(2), 16));
    else if (digits !== undefined) bytes.push(Number.parseInt(digits, 8));
    else if (/^\\[uU]/.test(part)) {
      const code = Number.parseInt(part.slice(2), 16);
      if (code > 0x10_ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
      bytes.push(...utf8.encode(String.fromCodePoint(code)));
    } else bytes.push(...utf8.encode(part.startsWith("\\") ? unescaped[part] : part));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

const unescaped: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(named).map(([char, letter]) => [letter, char]));
