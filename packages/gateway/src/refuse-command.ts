import type { Command } from "./command.ts";

/** The callers share one connection, so none of them may wait on it, change its state, or turn its replies into a stream. */
const notOverRest: ReadonlySet<string> = new Set([
  // they wait
  ...["BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF"],
  // they stream
  ...["SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR", "SYNC", "PSYNC", "REPLCONF"],
  // they change the connection; a transaction is /multi-exec
  ...["MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"],
  ...["AUTH", "HELLO", "SELECT", "CLIENT", "QUIT", "RESET", "READONLY", "READWRITE", "ASKING", "HIMPORT"],
]);

/** A token gives the data, not the server. Upstash does not serve these either. */
const ofTheServer: ReadonlySet<string> = new Set([
  ...["ACL", "BGREWRITEAOF", "BGSAVE", "CLUSTER", "CONFIG", "DEBUG", "FAILOVER", "MIGRATE", "MODULE", "REPLICAOF", "RESTORE-ASKING"],
  ...["SAVE", "SHUTDOWN", "SLAVEOF"],
  // They reach into another database than the gateway's.
  ...["MOVE", "SWAPDB"],
  // Redis takes these for an attack through a browser and closes the connection.
  ...["POST", "HOST:"],
]);

/** Says why a command is not sent to Redis, in Upstash's words; `undefined` where it may be sent. */
export function refuseCommand(command: Command): string | undefined {
  const [first, second] = command;
  const name = first.toUpperCase();
  if (notOverRest.has(name)) return `ERR Command "${name}" is not allowed in REST or it has a special context path`;
  if (ofTheServer.has(name)) return `ERR Command is not available: '${name}'`;
  if (name === "SCRIPT" && isWord(second, "DEBUG")) return "ERR Command is not available: 'SCRIPT DEBUG'";
  if (name === "COPY" && command.slice(3).some((word) => isWord(word, "DB"))) return "ERR Command is not available: 'COPY DB'";
  if ((name === "XREAD" || name === "XREADGROUP") && blocks(command)) {
    return `ERR Command "${name}" with BLOCK is not allowed in REST or it has a special context path`;
  }
  return undefined;
}

/** Walks the options as Redis does: a group, a consumer or a stream may bear the name `BLOCK`. */
function blocks(command: Command): boolean {
  for (let i = 1; i < command.length; i++) {
    if (isWord(command[i], "BLOCK")) return true;
    if (isWord(command[i], "STREAMS")) return false;
    if (isWord(command[i], "COUNT")) i += 1;
    else if (isWord(command[i], "GROUP")) i += 2;
  }
  return false;
}

function isWord(part: string | Uint8Array | undefined, word: string): boolean {
  if (part === undefined) return false;
  return (typeof part === "string" ? part : Buffer.from(part).toString("latin1")).toUpperCase() === word;
}
