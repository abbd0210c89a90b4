/**
 * The port over an ioredis-shaped client (standalone, Sentinel, Cluster), by shape: imports no library, the caller brings the client.
 * @module
 */
import type { RedisError } from "../errors.ts";
import type { Command, CommandResult, CommandWord, RedisPort, Reply } from "../redis.ts";
import { mastersOf } from "./cluster-masters.ts";
import { commandSlot } from "./key-slot.ts";
import { refusal } from "./refusal.ts";
import { type RepeatingPortOptions, repeatingPort, wayFailed } from "./repeating-port.ts";
import { checkReplicated, type Replication, waitCommand } from "./replication.ts";
import { stayConnected } from "./stay-connected.ts";

export { ioredisSettings } from "./ioredis-settings.ts";
export { commandSlot, keySlot } from "./key-slot.ts";
export { type HostPort, type ParsedRedis, parseRedisUri } from "./redis-uri.ts";
export { refusal } from "./refusal.ts";
export { type RepeatingPortOptions, repeatingPort, type Way, wayFailed } from "./repeating-port.ts";
export { checkReplicated, type Replication, waitCommand } from "./replication.ts";
export { stayConnected } from "./stay-connected.ts";

/** What is used of a client: ioredis' `Redis` and `Cluster` have it, and whatever is shaped like them. */
export interface IoredisClient {
  readonly isCluster?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: ioredis' overloads know Node's Buffer, which core does not
  callBuffer(name: string, ...words: any[]): Promise<unknown>;
  /** Of a Cluster: its masters' own clients. */
  nodes?(role: "master"): Pick<IoredisClient, "callBuffer">[];
  pipeline(): {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    callBuffer(name: string, ...words: any[]): unknown;
    exec(): Promise<[error: Error | null, reply: unknown][] | null>;
  };
  connect?(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: "connect" | "ready" | "close" | "end", listener: () => void): unknown;
  off(event: "connect" | "ready" | "close" | "end", listener: () => void): unknown;
}

export interface IoredisPortOptions extends RepeatingPortOptions {
  /**
   * Whether the port owns the client: it then breaks a connection that stopped answering, connects it again should it end by itself, and
   * `close` ends it. Default false.
   */
  readonly managed?: boolean | undefined;
}

/**
 * A repeating port over the client. Nothing is left in a buffer of the client to be sent late, provided the client has
 * `enableOfflineQueue: false` and `autoResendUnfulfilledCommands: false` (as `ioredisSettings` makes it).
 */
export function ioredisPort(client: IoredisClient, { managed = false, ...options }: IoredisPortOptions = {}): RedisPort {
  /** The connection is given up and not closed yet: a frozen Redis lets that last, and every call that waits on it asks for it. */
  let leaving = false;
  return repeatingPort(
    {
      cluster: client.isCluster === true,
      waits: true,
      write: (commands, replication) => write(client, commands, replication),
      reset() {
        if (!managed || leaving) return;
        leaving = true;
        client.disconnect(true);
      },
      close: () => managed && client.disconnect(),
      listen({ onReady, onClose }) {
        const closed = (): void => {
          leaving = false;
          onClose();
        };
        const ready = (): void => {
          leaving = false;
          onReady();
        };
        client.on("close", closed);
        client.on("end", closed);
        client.on("ready", ready);
        const letGo = managed ? stayConnected(client, options.clock) : undefined;
        return () => {
          letGo?.();
          client.off("close", closed);
          client.off("end", closed);
          client.off("ready", ready);
        };
      },
    },
    options,
  );
}

/** Writes the commands in one go; on a Cluster each finds its own node. An error reply is a value, a failed way is a throw. */
async function write(client: IoredisClient, commands: readonly Command[], replication: Replication): Promise<CommandResult[]> {
  const wait = replication.replicas > 0 ? waitCommand(replication) : undefined;
  const unsent = client.isCluster === true ? unsentByCluster : unsentByRedis;
  const toRefusal = (error: unknown): CommandResult => refusalOf(error, unsent);
  const send = ([name, ...words]: Command, to: Pick<IoredisClient, "callBuffer"> = client): Promise<CommandResult> =>
    to.callBuffer(name as string, ...words.map(toBuffer)).then(toReply, toRefusal);
  if (client.isCluster === true && wait !== undefined) {
    return answersOf(
      commands.map(async (command) => {
        // Whoever else has lost its replicas is no concern of this command; it is of both its masters when its slot was just moving.
        const before = mastersOf(client, command);
        const result = await send(command);
        if (result.error?.delivered === "no") return result;
        const masters = [...new Set([...before, ...mastersOf(client, command)])];
        if (masters.length === 0 && commandSlot(command) !== undefined) throw wayFailed("its master is gone", "unknown");
        for (const replicated of await Promise.all(masters.map((master) => send(wait, master)))) checkReplicated(replicated, replication);
        return result;
      }),
    );
  }
  if (client.isCluster === true || (commands.length === 1 && wait === undefined))
    return answersOf(commands.map((command) => send(command)));
  const pipeline = client.pipeline();
  for (const [name, ...words] of commands) pipeline.callBuffer(name as string, ...words.map(toBuffer));
  if (wait !== undefined) pipeline.callBuffer(...wait);
  const answers = await pipeline.exec();
  if (answers === null) throw wayFailed("the pipeline was discarded", "unknown");
  const results = answers.map(([error, reply]) => (error === null ? toReply(reply) : toRefusal(error)));
  if (wait !== undefined) checkReplicated(results.pop()!, replication);
  return results;
}

/** ioredis takes bytes as Node's Buffer only, and makes text of any other: it is there wherever ioredis is, and needs no import. */
function toBuffer(word: CommandWord): CommandWord {
  if (typeof word === "string") return word;
  const { Buffer } = globalThis as unknown as { Buffer: { from(bytes: ArrayBufferLike, offset: number, length: number): Uint8Array } };
  return Buffer.from(word.buffer, word.byteOffset, word.byteLength);
}

function toReply(reply: unknown): CommandResult {
  return { reply: reply as Reply };
}

/** Waits for all: where one may have been carried out it is not true that nothing was, whichever failed first. */
async function answersOf(sent: readonly Promise<CommandResult>[]): Promise<CommandResult[]> {
  const answers = await Promise.allSettled(sent);
  const failures = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as RedisError] : []));
  if (failures.length === 0) return answers.map((answer) => (answer as PromiseFulfilledResult<CommandResult>).value);
  if (failures.length === answers.length && failures.every(({ delivered }) => delivered === "no")) throw failures[0];
  throw failures.find(({ delivered }) => delivered === "unknown") ?? wayFailed("no answer to a part of it", "unknown");
}

/** ioredis' words for what never left. */
const unsentByRedis = /isn't writeable|Connection is closed/;
/** A Cluster's client repeats by itself what was under way when a node was lost, so how the last repetition ended says nothing of the first. */
const unsentByCluster = /Cluster isn't ready|Failed to refresh slots|None of startup nodes/;

/** An error reply of Redis is the command's own; any other error means that the way failed. */
function refusalOf(error: unknown, unsent: RegExp): CommandResult {
  if (error instanceof Error && error.name === "ReplyError") return { error: refusal(error.message) };
  throw wayFailed("no answer", error instanceof Error && unsent.test(error.message) ? "no" : "unknown", error);
}
