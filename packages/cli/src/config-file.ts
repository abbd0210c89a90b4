import { readFile } from "node:fs/promises";
import path from "node:path";
import { CliError, exitCodes, lineOf } from "./exit-codes.ts";

/** What a config file says, by keys in small letters. */
export interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** The kinds of file that are read, in the order in which Asynq looks for them in the home directory. */
const parsers: Readonly<Record<string, (text: string) => unknown | Promise<unknown>>> = {
  json: (text) => JSON.parse(text),
  toml: async (text) => (await import("smol-toml")).parse(text),
  yaml: async (text) => (await import("./load-yaml.ts")).parse(text),
  yml: async (text) => (await import("./load-yaml.ts")).parse(text),
};

/**
 * The file that was named, else the first `.asynq.*` of the home directory; `undefined` where there is none.
 * @throws {CliError} it is not there though it was named, or cannot be read
 */
export async function readConfigFile(named: string | undefined, homeDir: string): Promise<ConfigFile | undefined> {
  if (named !== undefined) return read(named, path.extname(named).slice(1).toLowerCase());
  for (const kind of Object.keys(parsers)) {
    const found = await read(path.join(homeDir, `.asynq.${kind}`), kind).catch((error: CliError) => {
      if (Object(error.cause).code === "ENOENT") return undefined;
      throw error;
    });
    if (found !== undefined) return found;
  }
  return undefined;
}

async function read(file: string, kind: string): Promise<ConfigFile> {
  const parse = parsers[kind];
  if (parse === undefined) throw bad(file, `expected its name to end in one of ${Object.keys(parsers).join(", ")}`);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw bad(file, error.code === "ENOENT" ? "there is no such file" : (error.code ?? lineOf(error)), error);
  });
  const values = await Promise.resolve()
    .then(() => parse(text))
    // What a parser says may quote the file, which holds a password.
    .catch(() => {
      throw bad(file, `it is no valid ${kind.replace("yml", "yaml").toUpperCase()}`);
    });
  if (values === null || values === undefined) return { path: file, values: {} };
  if (typeof values !== "object" || Array.isArray(values)) throw bad(file, "expected keys and values, such as uri: localhost:6379");
  return { path: file, values: Object.fromEntries(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value])) };
}

function bad(file: string, why: string, cause?: unknown): CliError {
  return new CliError(exitCodes.usage, `cannot use the config file ${file}: ${why}`, cause);
}
