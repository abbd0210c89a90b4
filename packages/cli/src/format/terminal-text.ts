import { harmless } from "../dash/layout/harmless.ts";

/** Our own emphasis, which stays; and what a terminal acts on, or does not show. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes begin with one
const acted = /(\x1b\[(?:1|2|22|31|32|33|39)m)|[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\n\t]/gu;

/** Lines that hold text from Redis, so that a terminal only ever shows them: names, types and errors are whatever somebody enqueued. */
export function terminalText(text: string): string {
  return text.replace(acted, (found, own?: string) => own ?? harmless(found));
}
