import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { CronEntryOptions } from "@asynqjs/core/cron";
import { CliError, exitCodes } from "../exit-codes.ts";
import { startChild } from "./child.ts";
import type { Guard } from "./guard.ts";
import { nodeArgsFor } from "./run-typescript.ts";

export interface CronFileOptions {
  readonly cwd: string;
  /** Asked for each time that a module is read. */
  readonly env: () => NodeJS.ProcessEnv;
  readonly guard: Guard;
  /** Gives up reading. */
  readonly signal?: AbortSignal | undefined;
}

/** Imports a module in a process of its own, which ends with it: what is read again is read anew, and what it breaks is not ours. */
const reader = `
const { default: entries } = await import(process.argv[1]);
process.send({ entries }, (error) => process.exit(error ? 1 : 0));
`;

const patienceMs = 20_000;

/**
 * The cron entries of a file: those that a module exports as its default, or a list in JSON. They are checked where they are used.
 * @throws {CliError} it cannot be read, or is no list
 */
export async function readCronFile(file: string, options: CronFileOptions): Promise<CronEntryOptions[]> {
  const name = path.relative(options.cwd, file);
  if (!existsSync(file)) throw new CliError(exitCodes.usage, `${name}: there is no such file`);
  const entries = file.endsWith(".json") ? parse(name, await readFile(file, "utf8")) : await importEntries(file, name, options);
  if (Array.isArray(entries)) return entries;
  throw new CliError(exitCodes.usage, `${name}: expected a list of cron entries${file.endsWith(".json") ? "" : " as the default export"}`);
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(exitCodes.usage, `${name}: ${(error as Error).message}`);
  }
}

async function importEntries(file: string, name: string, { cwd, env, guard, signal }: CronFileOptions): Promise<unknown> {
  const said: string[] = [];
  let sent: { readonly entries: unknown } | undefined;
  const child = startChild({
    command: process.execPath,
    args: [...nodeArgsFor(file, cwd), "--input-type=module", "--eval", reader, pathToFileURL(file).href],
    ...{ cwd, env: env(), guard },
    onLine: (line) => said.push(line),
    onMessage: (message) => {
      sent = message as unknown as { readonly entries: unknown };
    },
  });
  let late = false;
  const force = setTimeout(() => {
    late = true;
    child.kill();
  }, patienceMs);
  signal?.addEventListener("abort", child.kill);
  const { how } = await child.gone;
  signal?.removeEventListener("abort", child.kill);
  clearTimeout(force);
  if (sent !== undefined) return sent.entries;
  const why = late ? `nothing came within ${patienceMs / 1000} s` : (said.find((line) => /Error\b.*: /.test(line)) ?? said.at(-1) ?? how);
  throw new CliError(exitCodes.usage, `${name}: ${why.trim()}`);
}
