import { harmless } from "../dash/layout/harmless.ts";
import { unmarked } from "../style.ts";

/** What a terminal acts on, or does not show. */
const acted = /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\n\t]/gu;

/**
 * Lines that hold text from Redis, so that a terminal only ever shows them: names, types and errors are whatever somebody enqueued. Our own
 * emphasis stays.
 */
export function terminalText(text: string): string {
  return unmarked(text, (rest) => rest.replace(acted, harmless));
}
