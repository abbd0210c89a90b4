import { type ParseArgsConfig, parseArgs } from "node:util";
import { GatewayOptionError } from "./errors.ts";
import { type GatewayLimits, limitNames, resolveLimits } from "./limits.ts";
import { type GatewayToken, readTokenLines } from "./token.ts";

/** What the command line and the environment ask for. */
export type BinRequest =
  | { readonly action: "help" }
  | { readonly action: "version" }
  | { readonly action: "start"; readonly options: BinOptions; readonly warnings: readonly string[] };

/** The settings of a start, complete but for the checks of `startGateway`. */
interface BinOptions {
  readonly redis: string;
  readonly tokens: readonly GatewayToken[];
  readonly host: string;
  readonly port: number;
  readonly limits: GatewayLimits;
}

/** The text of `--help`. */
export const usage = `Usage: asynqjs-gateway --redis URL --token-file FILE [options]

An Upstash-compatible HTTP front for any Redis.

  --redis URL          redis://…, rediss://… or the path of a unix socket
                       (environment: ASYNQJS_GATEWAY_REDIS)
  --token-file FILE    accepted bearer tokens, one a line: TOKEN, or TOKEN read, or TOKEN enqueue QUEUE…
                       (environment: ASYNQJS_GATEWAY_TOKEN, or ASYNQJS_GATEWAY_TOKENS, separated by commas)
  --token TOKEN        a token on the command line, where every user of the machine can read it
  --host HOST          address to listen on               (default 127.0.0.1)
  --port PORT          port to listen on, 0 for a free one (default 8079)
  --max-body-bytes N      largest request body               (default 10485760)
  --max-buffered-bytes N  all request bodies held at a time  (default 268435456)
  --body-timeout-ms N     time a request body has to arrive  (default 10000)
  --max-commands N        most commands of one request       (default 1000)
  --timeout-ms N          time Redis has for one request     (default 10000)
  --max-streams N         most open streams of subscribers   (default 1000)
  --max-stream-bytes N    what may wait for a slow one       (default 1048576)
  --max-connections N     most open connections              (default 10000)
  --help, --version

Exit codes: 0 stopped by a signal, 1 could not start, 2 wrong usage.`;

const flags = {
  redis: { type: "string" },
  "token-file": { type: "string" },
  token: { type: "string", multiple: true },
  host: { type: "string" },
  port: { type: "string" },
  "max-body-bytes": { type: "string" },
  "max-buffered-bytes": { type: "string" },
  "body-timeout-ms": { type: "string" },
  "max-commands": { type: "string" },
  "timeout-ms": { type: "string" },
  "max-streams": { type: "string" },
  "max-stream-bytes": { type: "string" },
  "max-connections": { type: "string" },
  help: { type: "boolean" },
  version: { type: "boolean" },
} as const satisfies ParseArgsConfig["options"];

/**
 * Reads the command line and the environment; a flag wins over a variable, tokens of all sources are accepted together.
 *
 * @throws {GatewayOptionError} a flag is unknown, malformed or missing, or the token file cannot be read. Names flags, never values.
 */
export function readBinOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): BinRequest {
  const flag = parse(args);
  if (flag.help) return { action: "help" };
  if (flag.version) return { action: "version" };

  const redis = flag.redis ?? env.ASYNQJS_GATEWAY_REDIS;
  if (!redis) throw new GatewayOptionError("--redis", "a URL, here or in ASYNQJS_GATEWAY_REDIS");
  const tokens = [
    ...(flag.token ?? []),
    ...(flag["token-file"] === undefined ? [] : readTokenLines(readTokenFile(flag["token-file"], readFile))),
    ...words(env.ASYNQJS_GATEWAY_TOKEN ?? "", /\n/),
    ...words(env.ASYNQJS_GATEWAY_TOKENS ?? "", /[\s,]+/),
  ];
  if (tokens.length === 0) throw new GatewayOptionError("--token-file", "a file with a token, or one in ASYNQJS_GATEWAY_TOKEN");
  const given = limitNames.map((name) => {
    const word = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) as keyof typeof flags;
    return [name, wholeNumber(`--${word}`, flag[word] as string | undefined)] as const;
  });
  return {
    action: "start",
    options: {
      redis,
      tokens,
      host: flag.host ?? "127.0.0.1",
      port: wholeNumber("--port", flag.port) ?? 8079,
      limits: resolveLimits(Object.fromEntries(given.filter(([, value]) => value !== undefined))),
    },
    warnings: [
      ...(flag.token === undefined ? [] : ["--token can be read in the list of processes; prefer --token-file"]),
      ...(flag.redis !== undefined && /\/\/[^/@]*:[^/@]+@/.test(flag.redis)
        ? ["the password in --redis can be read in the list of processes; prefer ASYNQJS_GATEWAY_REDIS"]
        : []),
    ],
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof flags }>>["values"] {
  try {
    return parseArgs({ args: [...args], options: flags }).values;
  } catch (error) {
    // Node's text names the flag, but for a stray argument it repeats it, and that may be a token.
    const { code, message } = error as { code?: string; message: string };
    if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") throw new GatewayOptionError("arguments", "flags only, see --help");
    throw new GatewayOptionError("arguments", message.split(".")[0]!);
  }
}

function readTokenFile(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path);
  } catch (error) {
    throw new GatewayOptionError("--token-file", `a file that can be read (${(error as NodeJS.ErrnoException).code ?? "failed"})`);
  }
}

function words(text: string, separator: RegExp): string[] {
  return text
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new GatewayOptionError(flag, "a whole number");
  return Number(text);
}
