import type { RunMessage } from "../worker-node/messages.ts";
import type { Screen } from "./screen.ts";

/** A line about a handler that ended, what was done cut to what the screen has room for. */
export function runLine(
  { type, outcome, what, retryCount, maxRetry, tookMs }: RunMessage,
  { paint, fit }: Pick<Screen, "paint" | "fit">,
): string {
  const mark = { done: paint("green", "✓"), retry: paint("yellow", "↻"), archived: paint("red", "✗") }[outcome];
  const next = { done: "", retry: ", will be tried again", archived: ", archived" }[outcome];
  const tries = retryCount > 0 || outcome === "retry" ? `  try ${retryCount + 1} of ${maxRetry + 1}` : "";
  const about = type.padEnd(17);
  const end = `${tries}  ${tookMs} ms`;
  return `${mark} ${about}  ${fit(what + next, about.length + end.length + 4)}${paint("dim", end)}`;
}
