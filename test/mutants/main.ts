/**
 * `npm run mutate`: changes the code in small ways, one at a time, and looks whether a test or the model sees it. `-- lua` mutates the
 * scripts, `-- core` the code of core that decides; what follows goes to that part. Exit 1 where a mutant lives that is not known.
 * @module
 */
import { mutateCore } from "./core/mutate-core.ts";
import { mutateLua } from "./lua/mutate-lua.ts";

/** Each part answers whether it is content. */
const parts: Readonly<Record<string, (args: readonly string[]) => Promise<boolean>>> = { lua: mutateLua, core: mutateCore };

// What runs beside us is ended as we exit.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

const [named, ...args] = process.argv.slice(2);
if (named !== undefined && !(named in parts)) {
  console.error(`mutate: there is no part ${named}; there are: ${Object.keys(parts).join(", ")}`);
  process.exit(2);
}
for (const [name, mutate] of Object.entries(parts)) {
  if (named === undefined || named === name) process.exitCode = (await mutate(args)) ? (process.exitCode ?? 0) : 1;
}
