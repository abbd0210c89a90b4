import { existsSync } from "node:fs";
import path from "node:path";
import { type ParsedRedis, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { CliError, exitCodes } from "../exit-codes.ts";
import { findSource, sourceNames } from "./find-source.ts";
import { freePort, ping } from "./ports.ts";
import { projectName } from "./project-name.ts";
import { nodeArgsFor } from "./run-typescript.ts";

/** What `asynqjs dev` is told. */
export interface DevOptions {
  /** The worker's file; without it the usual one, which has to be there; `false`: none. */
  readonly worker?: string | false | undefined;
  /** The file of cron entries; without it the usual one, if it is there; `false`: none. */
  readonly cron?: string | false | undefined;
  /** The URI of a Redis that runs, in any of Asynq's forms but a Cluster's; without it one is started. */
  readonly redis?: string | undefined;
  /** Of the Redis that is started, 6379 where it is not said; 0 takes a free one. */
  readonly redisPort?: number | undefined;
  /** Whether what is in the Redis that is started is there again the next time. */
  readonly keep?: boolean | undefined;
  /** 0 takes a free one. */
  readonly gatewayPort: number;
  /** Folders that are watched beside the project's. */
  readonly watch?: readonly string[] | undefined;
  /** Whose cron entries the file's are; without it the name of the project. */
  readonly owner?: string | undefined;
  /** What else runs beside it, and ends all when it ends. */
  readonly command: readonly string[];
}

/** The same, checked, with what it stands for here. */
export interface DevPlan {
  readonly worker: string | undefined;
  readonly cron: string | undefined;
  readonly redis: { readonly uri: string; readonly parsed: ParsedRedis; readonly isGiven: boolean };
  readonly redisPort: number;
  readonly keep: boolean;
  readonly gatewayPort: number;
  readonly folders: readonly string[];
  readonly owner: string;
  readonly command: readonly string[];
}

/**
 * Checks what can be checked before anything is started.
 * @throws {CliError} names the option, and what to do
 */
export async function planDev(options: DevOptions, cwd: string): Promise<DevPlan> {
  if (process.platform === "win32") throw new CliError(exitCodes.usage, "asynqjs dev runs on Linux and macOS; on Windows run it in WSL");
  const worker = sourceOf("worker", options.worker, cwd);
  if (worker === undefined && options.worker !== false)
    throw new CliError(
      exitCodes.usage,
      `no worker: there is none of ${sourceNames("worker").join(", ")}; name it with --worker FILE, or say --no-worker`,
    );
  const cron = sourceOf("cron", options.cron, cwd);
  for (const file of [worker, cron]) if (file !== undefined) nodeArgsFor(file, cwd);
  const folders = [cwd, ...(options.watch ?? []).map((folder) => path.resolve(cwd, folder))];
  for (const folder of folders)
    if (!existsSync(folder)) throw new CliError(exitCodes.usage, `--watch ${path.relative(cwd, folder)}: there is no such folder`);
  const isGiven = options.redis !== undefined;
  if (isGiven && (options.keep || options.redisPort !== undefined))
    throw new CliError(exitCodes.usage, "--keep and --redis-port are for a Redis that is started here: leave them out, or --redis");
  const { redisPort: wanted = 6379, gatewayPort } = options;
  if (!isGiven && wanted !== 0 && wanted === gatewayPort)
    throw new CliError(exitCodes.usage, `port ${wanted} is for the Redis or the gateway, not both: take another with --gateway-port PORT`);
  const redisPort = isGiven ? 0 : await takePort("redis", wanted);
  const uri = options.redis ?? `redis://127.0.0.1:${redisPort}`;
  const parsed = parseRedisUri(uri);
  if (parsed.kind === "cluster")
    throw new CliError(exitCodes.usage, "--redis: the gateway is for one Redis or a Sentinels' master, no Cluster");
  return {
    ...{ worker, cron, redisPort, folders },
    redis: { uri, parsed, isGiven },
    gatewayPort: await takePort("gateway", gatewayPort),
    keep: options.keep === true,
    owner: options.owner ?? projectName(cwd),
    command: options.command,
  };
}

function sourceOf(name: "worker" | "cron", said: string | false | undefined, cwd: string): string | undefined {
  return said === false ? undefined : findSource(cwd, name, said);
}

async function takePort(part: "redis" | "gateway", wanted: number): Promise<number> {
  const port = await freePort(wanted);
  if (port !== undefined) return port;
  const another = `take another with --${part}-port PORT`;
  const isRedis = part === "redis" && /^[+-]/.test(await ping(wanted));
  throw new CliError(
    exitCodes.failed,
    isRedis
      ? `port ${wanted} is in use by a Redis: use that one with --redis redis://127.0.0.1:${wanted}, or ${another}`
      : `port ${wanted}, for the ${part === "redis" ? "Redis" : part}, is in use: ${another}`,
  );
}
