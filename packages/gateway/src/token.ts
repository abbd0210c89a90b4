import { checkQueueName } from "@asynqjs/core";
import { GatewayOptionError } from "./errors.ts";

/**
 * An accepted bearer token and what it may do. A bare string is a token for everything.
 *
 * `read`: commands that only read, no scripts, no walk over all keys; and subscribing. `enqueue`: the enqueue script of asynqjs on the named
 * queues, `SADD asynq:queues` with one of them, `PING`; nothing else.
 */
export type GatewayToken =
  | string
  | { readonly token: string; readonly role: "full" | "read" }
  | { readonly token: string; readonly role: "enqueue"; readonly queues: readonly string[] };

/** What the bearer of a token may do. */
export type Grant = { readonly role: "full" | "read" } | { readonly role: "enqueue"; readonly queues: ReadonlySet<string> };

/** A token and its grant, checked. */
export interface AcceptedToken {
  readonly token: string;
  readonly grant: Grant;
}

/**
 * Checks tokens and their roles.
 *
 * @throws {GatewayOptionError} there is none, one cannot stand in an HTTP header or is given twice, a role is unknown, or the queues of
 *   `enqueue` are missing or no names of queues. Never names a token.
 */
export function resolveTokens(tokens: readonly GatewayToken[]): AcceptedToken[] {
  if (tokens.length === 0) throw new GatewayOptionError("tokens", "at least one");
  const accepted = tokens.map((given) =>
    typeof given === "string" ? { token: given, grant: full } : { token: given?.token, grant: readGrant(given) },
  );
  if (!accepted.every(({ token }) => typeof token === "string" && /^[\x21-\x7e]+$/.test(token))) {
    throw new GatewayOptionError("tokens", "visible ASCII characters without spaces, at least one each");
  }
  if (new Set(accepted.map(({ token }) => token)).size < accepted.length) throw new GatewayOptionError("tokens", "each token once");
  return accepted;
}

/**
 * Reads a file of tokens, one a line: `<token>`, `<token> read`, or `<token> enqueue <queue> <queue> …`. A line that begins with `# ` is a
 * comment.
 *
 * @throws {GatewayOptionError} a line is none of these; names the line, never what it holds.
 */
export function readTokenLines(text: string): GatewayToken[] {
  return text.split(/\r?\n/).flatMap((line, i): GatewayToken[] => {
    const [token, role, ...queues] = line.split(/\s+/).filter((word) => word !== "");
    if (token === undefined || line.startsWith("# ")) return [];
    if (role === undefined) return [token];
    if ((role === "full" || role === "read") && queues.length === 0) return [{ token, role }];
    if (role === "enqueue" && queues.length > 0) return [{ token, role, queues }];
    throw new GatewayOptionError("--token-file", `in line ${i + 1} a token, then nothing, "full", "read", or "enqueue" and its queues`);
  });
}

const full: Grant = { role: "full" };

function readGrant(given: Exclude<GatewayToken, string>): Grant {
  switch (given?.role) {
    case "full":
    case "read":
      return { role: given.role };
    case "enqueue":
      return { role: "enqueue", queues: new Set(readQueues(given.queues)) };
    default:
      throw new GatewayOptionError("tokens", 'a string, or { token, role } with the role "full", "read" or "enqueue"');
  }
}

function readQueues(queues: readonly string[]): readonly string[] {
  if (!Array.isArray(queues) || queues.length === 0)
    throw new GatewayOptionError("tokens", 'queues, at least one, with the role "enqueue"');
  try {
    return queues.map(checkQueueName);
  } catch {
    throw new GatewayOptionError(
      "tokens",
      "queues with names that a queue may have: no braces, no control characters, at most 128 characters",
    );
  }
}
