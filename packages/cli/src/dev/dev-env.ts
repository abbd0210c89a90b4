import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";

/** Where everything is. */
export interface Places {
  readonly redisUri: string;
  readonly gatewayUrl: string;
  readonly token: string;
}

/**
 * The environment of the parts that are the project's: what `asynqjs dev` was started with, and beside it the project's `.env`; over all
 * where this Redis is, so that nothing of a shell or a file leads to another one.
 */
export function devEnv(cwd: string, env: NodeJS.ProcessEnv, places: Places, colored: boolean): NodeJS.ProcessEnv {
  const file = path.join(cwd, ".env");
  return {
    ...(existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {}),
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
