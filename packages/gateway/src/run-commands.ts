import type { Command } from "./command.ts";
import { Refusal } from "./errors.ts";
import type { RedisLink } from "./redis-link.ts";
import { refuseFor } from "./refuse-for.ts";
import type { Reply } from "./reply.ts";
import type { SyncToken } from "./sync-token.ts";
import type { Grant } from "./token.ts";

/** The one way of a gateway to Redis: what is sent is counted for the sync token, and has so many milliseconds. */
export interface Door {
  readonly link: RedisLink;
  readonly syncToken: SyncToken;
  readonly timeoutMs: number;
}

/** Runs one command; what the grant does not allow is not sent and answered with an error. */
export async function runCommand(door: Door, grant: Grant, command: Command): Promise<Reply> {
  const [reply] = await runPipeline(door, grant, [command]);
  return reply!;
}

/** Runs commands in order, one reply each; what is not allowed is not sent and has an error reply in its place. */
export async function runPipeline(door: Door, grant: Grant, commands: readonly Command[]): Promise<Reply[]> {
  const refused = commands.map((command) => refuseFor(grant, command));
  const allowed = commands.filter((_, i) => refused[i] === undefined);
  const replies = allowed.length === 0 ? [] : await send(door, allowed);
  let next = 0;
  return refused.map((why) => (why === undefined ? replies[next++]! : { kind: "error", text: why }));
}

/**
 * Runs all commands as one transaction, or none.
 *
 * An error while one of them runs stands in its place, and the others run all the same, as always in Redis.
 *
 * @throws {Refusal} 400: one is not allowed or Redis would not queue it. Nothing ran.
 */
export async function runTransaction(door: Door, grant: Grant, commands: readonly Command[]): Promise<readonly Reply[]> {
  const why = commands.map((command) => refuseFor(grant, command)).find((text) => text !== undefined);
  if (why !== undefined) throw new Refusal(400, `EXECABORT Transaction discarded because of: ${why}`);
  const replies = await send(door, commands, true);
  const result = replies.at(-1)!;
  if (result.kind === "array") return result.items;
  const cause = replies.find((reply) => reply.kind === "error");
  throw new Refusal(
    400,
    cause === undefined || cause === result ? textOf(result) : `EXECABORT Transaction discarded because of: ${textOf(cause)}`,
  );
}

function send({ link, syncToken, timeoutMs }: Door, commands: readonly Command[], atomic = false): Promise<Reply[]> {
  syncToken.sending(commands);
  return link.send(atomic ? [["MULTI"], ...commands, ["EXEC"]] : commands, timeoutMs);
}

function textOf(reply: Reply): string {
  return reply.kind === "error" ? reply.text : "EXECABORT Transaction discarded";
}
