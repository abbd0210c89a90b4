/** Imported before anything else it makes the product wrong in the one place that `ASYNQJS_BREAK` names, as it is loaded. @module */
import { registerHooks } from "node:module";
import { breaks } from "./breaks.ts";

const { file, from, to } = breaks[process.env.ASYNQJS_BREAK ?? ""] ?? { file: "?", from: "", to: "" };
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
