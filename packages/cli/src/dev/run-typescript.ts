import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { CliError, exitCodes } from "../exit-codes.ts";

/**
 * What Node is to be told to run a module of the project: nothing where it can by itself, or to load the project's own tsx first.
 * @throws {CliError} it is TypeScript, and nothing here runs that
 */
export function nodeArgsFor(file: string, cwd: string, stripsTypes: boolean = Boolean(process.features.typescript)): string[] {
  if (!/\.[cm]?tsx?$/.test(file) || stripsTypes) return [];
  try {
    const tsx = createRequire(path.join(cwd, "package.json")).resolve("tsx");
    return ["--import", pathToFileURL(tsx).href];
  } catch {
    throw new CliError(
      exitCodes.usage,
      `${path.relative(cwd, file)}: Node ${process.versions.node} runs no TypeScript: take Node 22.18 or newer, or npm install --save-dev tsx`,
    );
  }
}
