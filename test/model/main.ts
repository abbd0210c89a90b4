/**
 * `npm run model`: random histories on a real Redis, held against the model after each step. `--steps N` and `--seconds S` say when it ends,
 * whichever comes first, `--processes N` over how many processes, `--seed X` where it begins; with `--path P` of a failure, that history alone.
 * @module
 */
import { numberOf, readFlags } from "../support/read-flags.ts";
import { runModelProcesses } from "./run-processes.ts";
import { tellResult } from "./tell-result.ts";

const values = readFlags("model", {
  steps: { type: "string", default: "100000" },
  seconds: { type: "string", default: "600" },
  seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  path: { type: "string" },
  processes: { type: "string", default: "2" },
});
const seed = numberOf("model", "seed", values.seed);
const processes = numberOf("model", "processes", values.processes, 1);
const result = await runModelProcesses({
  steps: numberOf("model", "steps", values.steps, 1),
  seconds: numberOf("model", "seconds", values.seconds, 1),
  processes: values.path === undefined ? processes : 1,
  seed,
  path: values.path,
});
console.log(tellResult(result, seed));
if (result.failure !== undefined) process.exitCode = 1;
