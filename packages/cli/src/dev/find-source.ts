import { existsSync } from "node:fs";
import path from "node:path";
import { CliError, exitCodes } from "../exit-codes.ts";

/**
 * The file of a part: the one that was named, or the first that is there of `NAME.ts`, `.js` and the like, in the folder itself or in `src`.
 * `undefined` where none was named and none is there.
 * @throws {CliError} the one that was named is not there
 */
export function findSource(cwd: string, name: "worker" | "cron", named: string | undefined): string | undefined {
  if (named !== undefined) {
    const file = path.resolve(cwd, named);
    if (!existsSync(file)) throw new CliError(exitCodes.usage, `--${name} ${named}: there is no such file`);
    return file;
  }
  return sourceNames(name)
    .map((file) => path.join(cwd, file))
    .find((file) => existsSync(file));
}

/** Where a part's file is looked for, in this order. */
export function sourceNames(name: "worker" | "cron"): string[] {
  const endings = ["ts", "mts", "js", "mjs", "cjs", ...(name === "cron" ? ["json"] : [])];
  return ["src", ""].flatMap((folder) => endings.map((ending) => path.join(folder, `${name}.${ending}`)));
}
