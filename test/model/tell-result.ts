import type { ModelResult } from "./run-model.ts";

/** What the model did, in one line; a failure with its history, step by step, and the command that shows it again. */
export function tellResult({ steps, histories, elapsedMs, failure }: ModelResult, seed: number): string {
  const did = `model: ${steps} steps, ${histories} histories, ${(elapsedMs / 1000).toFixed(1)} s, seed ${seed}`;
  if (failure === undefined) return did;
  const again = `npm run model -- --processes 1 --seed ${failure.seed} --path ${failure.path}`;
  const list = failure.steps.map((step, i) => `${String(i + 1).padStart(4)}. ${step}`);
  const kept = `to keep in found.ts: ${JSON.stringify(failure.history)}`;
  return [did, "", ...list, "", failure.why, "", `again: ${again}`, kept].join("\n");
}
