/** `npm run simulate -- --steps N --seed S --processes P`: exit 1 at the first violation, with the seed and what happened. @module */
import { parseArgs } from "node:util";
import { breaks } from "./breaks.ts";
import { simulateInProcesses, tell } from "./in-processes.ts";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    processes: { type: "string", default: "2" },
    /** Ends then, with whole seeds, though there are steps left. */
    minutes: { type: "string" },
    /** Prints every event to stderr. */
    trace: { type: "boolean", default: false },
    /** Runs with one thing of the product wrong, or `all` of them one after the other, and tells after how many steps it was found. */
    break: { type: "string", multiple: true },
  },
});
const [steps, seed, processes] = [values.steps, values.seed, values.processes].map(Number) as [number, number, number];
const withinMs = values.minutes === undefined ? undefined : Number(values.minutes) * 60_000;
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
