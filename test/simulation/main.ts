/** `npm run simulate -- --steps N --seed S --processes P`: exit 1 at the first violation, with the seed and what happened. @module */
import { numberOf, readFlags, refuseFlags } from "../support/read-flags.ts";
import { breaks } from "./breaks.ts";
import { simulateInProcesses, tell } from "./in-processes.ts";

const values = readFlags("simulate", {
  steps: { type: "string", default: "100000" },
  seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  processes: { type: "string", default: "2" },
  /** Ends then, with whole seeds, though there are steps left. */
  minutes: { type: "string" },
  /** Prints every event to stderr. */
  trace: { type: "boolean", default: false },
  /** Runs with one thing of the product wrong, or `all` of them one after the other, and tells after how many steps it was found. */
  break: { type: "string", multiple: true },
});
const steps = numberOf("simulate", "steps", values.steps, 1);
const seed = numberOf("simulate", "seed", values.seed);
const processes = numberOf("simulate", "processes", values.processes, 1);
const withinMs = values.minutes === undefined ? undefined : numberOf("simulate", "minutes", values.minutes) * 60_000;
for (const name of values.break ?? []) if (name !== "all" && !(name in breaks)) refuseFlags("simulate", `--break: there is no "${name}"`);
const options = { steps, seed, processes, withinMs, trace: values.trace };

if (values.break === undefined) {
  console.log(`seed ${seed}`);
  let [told, done] = [performance.now(), 0];
  const report = await simulateInProcesses({
    ...options,
    onReport(one) {
      done += one.steps;
      if (performance.now() - told < 60_000) return;
      told = performance.now();
      console.log(`${done} steps`);
    },
  });
  console.log(tell(report));
  process.exitCode = report.failed === undefined ? 0 : 1;
} else {
  for (const broken of values.break.includes("all") ? Object.keys(breaks) : values.break) {
    const { failed, steps: taken, seconds } = await simulateInProcesses({ ...options, broken });
    const how = failed === undefined ? "NOT FOUND" : `found: ${failed.violations[0]!.split("\n")[0]}`;
    console.log(`${broken}: ${taken} steps, ${seconds.toFixed(1)} s, ${how}`);
    if (failed === undefined) process.exitCode = 1;
  }
}
