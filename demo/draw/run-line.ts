import type { RunMessage } from "../worker-node/messages.ts";
import type { Paint } from "./screen.ts";

/** A line about a handler that ended. */
export function runLine({ type, outcome, what, retryCount, maxRetry, tookMs }: RunMessage, paint: Paint): string {
  const mark = { done: paint("green", "✓"), retry: paint("yellow", "↻"), archived: paint("red", "✗") }[outcome];
  const next = { done: "", retry: ", will be tried again", archived: ", archived" }[outcome];
  const tries = retryCount > 0 || outcome === "retry" ? `  try ${retryCount + 1} of ${maxRetry + 1}` : "";
  return `${mark} ${type.padEnd(17)}  ${what}${next}${paint("dim", `${tries}  ${tookMs} ms`)}`;
}
