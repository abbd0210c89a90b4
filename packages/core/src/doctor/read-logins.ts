import type { Broker } from "../broker.ts";
import { decodeList, decodeRows, readReply } from "../decode-reply.ts";
import type { Command, CommandResult, Reply, SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";
import type { Denial, LoginFacts } from "./facts.ts";
import { type Part, partCommands, parts } from "./part-commands.ts";

/** A user of Redis, and the part it is to run. */
export interface PartLogin {
  readonly user: string;
  readonly part: Part;
}

/** So many of Redis' last refusals are looked at. */
const maxDenials = 20;

/** The users of the recipes in `deploy/acl`. */
const ownUsers: readonly PartLogin[] = parts.map((part) => ({ user: `asynqjs-${part}`, part }));

/**
 * What each of the users may not do of what its part asks, by `ACL DRYRUN`; nothing is carried out. Without `logins` those of the recipes, as
 * far as there are. Reads only.
 * @throws {RedisError} also where Redis does not let us try, or cannot: it can from 7.0 on
 */
export async function readLogins(
  broker: Broker,
  logins: readonly PartLogin[] = ownUsers,
  options: SendOptions = {},
): Promise<LoginFacts[]> {
  const there = await broker.redis.send(
    logins.map(({ user }) => dryRun(user, "ping")),
    options,
  );
  const known = logins.filter((_, i) => {
    const { error } = there[i]!;
    // The one answer that is about the user, not about whoever asks.
    if (error !== undefined && !/user '.*' not found/is.test(error.message)) throw error;
    return error === undefined;
  });
  const tried = known.flatMap(({ user, part }) => partCommands[part].map((command) => ({ user, command })));
  if (tried.length === 0) return [];
  const answers = await broker.redis.send(
    tried.map(({ user, command }) => dryRun(user, command)),
    options,
  );
  return known.map(({ user, part }) => ({
    user,
    part,
    refused: tried.flatMap((one, i) => (one.user === user && !isAllowed(answers[i]!) ? one.command : [])),
  }));
}

/**
 * What Redis refused anybody lately, newest first. Reads only.
 * @throws {RedisError} also where it does not show it
 */
export async function readDenials({ redis }: Broker, options: SendOptions = {}): Promise<Denial[]> {
  const [log] = await sendPlain(redis, [["ACL", "LOG", String(maxDenials)]], options);
  return readReply(log!, decodeList).map((entry) => {
    const fields = new Map(
      decodeRows(decodeList(entry), 2).map(([name, value]) => [decodeText(name!), typeof value === "number" ? String(value) : value]),
    );
    const text = (name: string): string => {
      const value: Reply | string = fields.get(name) ?? "";
      return typeof value === "string" ? value : decodeText(value);
    };
    return {
      user: text("username"),
      reason: text("reason"),
      object: text("object"),
      times: Number(text("count")),
      ageSec: Number(text("age-seconds")),
    };
  });
}

function dryRun(user: string, command: string): Command {
  return ["ACL", "DRYRUN", user, ...command.split(" ")];
}

/** A refusal is an answer here, not an error; an error is about the command as it was tried, such as one that this Redis does not have. */
function isAllowed({ reply, error }: CommandResult): boolean {
  return error !== undefined || decodeText(reply) === "OK";
}
