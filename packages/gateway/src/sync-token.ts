import { randomBytes } from "node:crypto";
import type { Command } from "./command.ts";
import { onlyReads } from "./read-commands.ts";

/**
 * The `upstash-sync-token` of a gateway: an opaque text that changes with everything that may have written.
 *
 * Upstash has replicas, and a client that sends back the token of its last write is not answered by one that has not seen it. Here one Redis
 * answers all, so a read sees every write that was answered before it, and the token a client sends needs no look. What other clients of
 * Redis write does not change it.
 */
export interface SyncToken {
  /** To be told before commands are sent. One that is not known to only read counts as a write. */
  sending(commands: readonly Command[]): void;
  /** What stands in the header now. */
  now(): string;
}

/** Makes the token of one gateway. Two gateways, or a gateway that was started again, never have the same. */
export function makeSyncToken(): SyncToken {
  const gateway = randomBytes(6).toString("base64url");
  let writes = 0;
  return {
    sending(commands) {
      if (!commands.every(onlyReads)) writes += 1;
    },
    now: () => `${gateway}.${writes.toString(36)}`,
  };
}
