import { readFileSync } from "node:fs";
import path from "node:path";
import util from "node:util";
import { CliError, exitCodes } from "../exit-codes.ts";

/** Where everything is. */
export interface Places {
  readonly redisUri: string;
  readonly gatewayUrl: string;
  readonly token: string;
}

/**
 * The environment of the parts that are the project's: what `asynqjs dev` was started with, and beside it the project's `.env`; over all
 * where this Redis is, so that nothing of a shell or a file leads to another one.
 * @throws {CliError} the `.env` is there and cannot be read
 */
export function devEnv(cwd: string, env: NodeJS.ProcessEnv, places: Places, colored: boolean): NodeJS.ProcessEnv {
  return {
    ...parse(readText(path.join(cwd, ".env"))),
    ...env,
    // The project's own commands are found also where no npm script runs us.
    PATH: [path.join(cwd, "node_modules/.bin"), env.PATH ?? ""].join(path.delimiter),
    ...(colored ? { FORCE_COLOR: env.FORCE_COLOR ?? "1" } : {}),
    ...namesOf(places),
    UPSTASH_REDIS_REST_URL: places.gatewayUrl,
    UPSTASH_REDIS_REST_TOKEN: places.token,
  };
}

/** The same by the names that asynqjs's pages use. */
export function namesOf({ redisUri, gatewayUrl, token }: Places): Record<"REDIS_URI" | "REDIS_URL" | "REDIS_TOKEN", string> {
  return { REDIS_URI: redisUri, REDIS_URL: gatewayUrl, REDIS_TOKEN: token };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "";
    throw new CliError(exitCodes.usage, `${path.basename(file)} cannot be read (${code})`, error);
  }
}

function parse(text: string): NodeJS.Dict<string> {
  if (text === "") return {};
  const parseEnv: typeof util.parseEnv | undefined = util.parseEnv;
  if (parseEnv === undefined)
    throw new CliError(exitCodes.usage, `.env: Node ${process.versions.node} reads none: take Node 20.12 or newer`);
  return parseEnv(text);
}
