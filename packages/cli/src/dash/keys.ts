import type { Key as InkKey } from "ink";

/** A key by its name where it has one, else the character it types. */
export type Key = string;

const named = {
  upArrow: "up",
  downArrow: "down",
  leftArrow: "left",
  rightArrow: "right",
  return: "enter",
  escape: "escape",
  backspace: "backspace",
  // What most terminals send for the key above Enter.
  delete: "backspace",
  pageUp: "pageup",
  pageDown: "pagedown",
  home: "home",
  end: "end",
  tab: "tab",
} as const satisfies Partial<Record<keyof InkKey, Key>>;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The keys in what arrived at once: a fast typist, or a paste, is several. */
export function keysOf(input: string, pressed: InkKey): Key[] {
  if (pressed.ctrl) return [`ctrl+${input}`];
  for (const [name, key] of Object.entries(named)) if (pressed[name as keyof typeof named]) return [key];
  // A sequence that Ink knows no key for is none of its letters either.
  if (pressed.meta || /^\[[\d;<?]*[A-Za-z~]$/.test(input)) return [];
  const keys: Key[] = [];
  for (const { segment } of graphemes.segment(input)) keys.push(...charKeys(segment));
  return keys;
}

function charKeys(char: string): Key[] {
  if (char === "\r" || char === "\n" || char === "\r\n") return ["enter"];
  if (char === "\x7f" || char === "\b") return ["backspace"];
  if (char === "\t") return ["tab"];
  const code = char.charCodeAt(0);
  if (code >= 1 && code <= 26) return [`ctrl+${String.fromCharCode(code + 96)}`];
  return /^[^\p{Cc}\p{Cs}]/u.test(char) ? [char] : [];
}
