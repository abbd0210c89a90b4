/** Imported before anything else it makes the product wrong in the one place that `ASYNQJS_BREAK` names, as it is loaded. @module */
import { registerHooks } from "node:module";
import { breaks } from "./breaks.ts";

const { ASYNQJS_BREAK: name = "" } = process.env;
const broken = breaks[name];
if (broken === undefined) throw new Error(`there is no break "${name}", but: ${Object.keys(breaks).join("; ")}`);
const { file, from, to } = broken;
let found = false;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/packages/${file}`)) return loaded;
    const source = String(loaded.source);
    // A break that breaks nothing would be found to be harmless.
    if (source.split(from).length !== 2) throw new Error(`${file} has not exactly once: ${from}`);
    found = true;
    return { ...loaded, source: source.replace(from, () => to) };
  },
});
process.on("exit", () => {
  if (!found) process.exitCode = 3;
});
