/**
 * `npm run model`: random histories on a real Redis, held against the model after each step. `--steps N` and `--seconds S` say when it ends,
 * whichever comes first, `--processes N` over how many processes, `--seed X` where it begins; with `--path P` of a failure, that history alone.
 * @module
 */
import { parseArgs } from "node:util";
import { runModelProcesses } from "./run-processes.ts";
import { tellResult } from "./tell-result.ts";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "100000" },
    seconds: { type: "string", default: "600" },
    seed: { type: "string" },
    path: { type: "string" },
    processes: { type: "string", default: "2" },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const result = await runModelProcesses({
  steps: Number(values.steps),
  seconds: Number(values.seconds),
  processes: values.path === undefined ? Number(values.processes) : 1,
  seed,
  path: values.path,
});
console.log(tellResult(result, seed));
if (result.failure !== undefined) process.exitCode = 1;
