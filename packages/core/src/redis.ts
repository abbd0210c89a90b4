/**
 * The one small interface between asynqjs and a Redis: implemented for ioredis (`core/redis/ioredis`), `@upstash/redis`
 * (`core/redis/upstash`) and bare `fetch` (`core/redis/fetch`). All pass one contract suite.
 * @module
 */
import type { RedisError } from "./errors.ts";

export type { MarkedBytes } from "./wire/marked-bytes.ts";

/**
 * One word of a command: text (well-formed) or raw bytes, which may be a part of a larger buffer. Bytes cross only a `raw` port: `run` packs
 * them for a `json` one.
 */
export type CommandWord = string | Uint8Array;

/** A whole command, its name first: `["SADD", "asynq:queues", "default"]`. */
export type Command = readonly CommandWord[];

/** What Redis answered: bytes for any string, `null` for nil. A script of ours never answers a status. */
export type Reply = null | number | Uint8Array | readonly Reply[];

/** One command's outcome: a refusal by Redis is a value here, so that its neighbours in a pipeline keep theirs. */
export type CommandResult = { readonly reply: Reply; readonly error?: never } | { readonly error: RedisError; readonly reply?: never };

/** What the port knows about the other side; it decides which variant of a script is sent. */
export interface RedisFeatures {
  /** How a byte argument crosses: as it is, or inside JSON text. */
  readonly codec: "raw" | "json";
  /** Whether scripts may carry the header that lets a full Redis be drained (Redis 7 and later, known at connect). */
  readonly allowOom: boolean;
  /** Whether one script must keep to one queue. */
  readonly cluster: boolean;
  /** Whether it can wait for replicas (`SendOptions.replicas`). */
  readonly waits: boolean;
}

export interface SendOptions {
  /** Gives up waiting; what was sent may still be carried out (`delivered: "unknown"`). */
  readonly signal?: AbortSignal | undefined;
  /** The longest the caller waits, tries included; the port's own default where absent. */
  readonly timeoutMs?: number | undefined;
  /** Answers only when what these commands wrote is on so many replicas of each master; only of a port that `waits`. Default 0. */
  readonly replicas?: number | undefined;
}

export interface RedisPort {
  /**
   * Connects where that is a thing, looks at the other side once, and answers the same object ever after.
   * @throws {RedisVersionError} older than 6.2
   * @throws {RedisError} not reachable
   */
  features(): Promise<RedisFeatures>;

  /**
   * Sends the commands in one go and in order, and answers one result each, in order. A failure of the way itself is a throw and
   * concerns all of them; where only a part of them failed so (a port may need several goes), it is the result of each of those, and has
   * no `reply`. Repeats only what its caller may repeat: every mutating call of asynqjs carries its call record, so a
   * port may send the same bytes again.
   * @throws {RedisError} with `delivered`
   */
  send(commands: readonly Command[], options?: SendOptions): Promise<readonly CommandResult[]>;

  /** Ends the connection if the port made it; a connection of the caller's stays open. May be repeated. */
  close(): Promise<void>;
}
