import type { Command } from "./command.ts";
import { Refusal } from "./errors.ts";
import type { RedisLink } from "./redis-link.ts";
import { refuseCommand } from "./refuse-command.ts";
import type { Reply } from "./reply.ts";

/** Runs one command. @throws {Refusal} 400, with the text of Redis where Redis refused it. */
export async function runCommand(link: RedisLink, command: Command, timeoutMs: number): Promise<Reply> {
  const why = refuseCommand(command);
  if (why !== undefined) throw new Refusal(400, why);
  const [reply] = await link.send([command], timeoutMs);
  return reply!;
}

/** Runs commands in order, one reply each; what is not allowed is not sent and has an error reply in its place. */
export async function runPipeline(link: RedisLink, commands: readonly Command[], timeoutMs: number): Promise<Reply[]> {
  const refused = commands.map(refuseCommand);
  const allowed = commands.filter((_, i) => refused[i] === undefined);
  const replies = allowed.length === 0 ? [] : await link.send(allowed, timeoutMs);
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
export async function runTransaction(link: RedisLink, commands: readonly Command[], timeoutMs: number): Promise<readonly Reply[]> {
  const why = commands.map(refuseCommand).find((text) => text !== undefined);
  if (why !== undefined) throw new Refusal(400, `EXECABORT Transaction discarded because of: ${why}`);
  const replies = await link.send([["MULTI"], ...commands, ["EXEC"]], timeoutMs);
  const result = replies.at(-1)!;
  if (result.kind === "array") return result.items;
  const cause = replies.find((reply) => reply.kind === "error");
  throw new Refusal(
    400,
    cause === undefined || cause === result ? textOf(result) : `EXECABORT Transaction discarded because of: ${textOf(cause)}`,
  );
}

function textOf(reply: Reply): string {
  return reply.kind === "error" ? reply.text : "EXECABORT Transaction discarded";
}
