/**
 * The port over an ioredis-shaped client (standalone, Sentinel, Cluster), by shape: imports no library, the caller brings the client.
 * @module
 */
import { type Clock, sleep, systemClock, systemRandom } from "../clock.ts";
import { RedisError, RedisVersionError } from "../errors.ts";
import type { Command, CommandResult, CommandWord, RedisFeatures, RedisPort, Reply, SendOptions } from "../redis.ts";
import { isPassing, refusal } from "./refusal.ts";

export { ioredisSettings } from "./ioredis-settings.ts";
export { type ParsedRedis, parseRedisUri } from "./redis-uri.ts";

/**
 * What is used of a client: ioredis' `Redis` and `Cluster` have it, and whatever is shaped like them. An answer of Redis that is an error
 * rejects with one named `ReplyError`; a client that knows whether a command left may reject with a `RedisError` that says so.
 */
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
  disconnect(reconnect?: boolean): void;
  on(event: "ready" | "close" | "end", listener: () => void): unknown;
  off(event: "ready" | "close" | "end", listener: () => void): unknown;
}

export interface IoredisPortOptions {
  /** Whether the port owns the client: it then breaks a connection that stopped answering, and `close` ends it. Default false. */
  readonly managed?: boolean | undefined;
  /** The longest a caller waits, tries included, unless it says otherwise. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** The longest one try may take before the connection counts as dead. Default 3,000. */
  readonly tryTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** The part of a try in which replicas must have what was written: the rest is for the answer to come. */
const waitShare = 0.8;
/** The longest wait between two tries. */
const longestPauseMs = 500;

/**
 * A port over the client. Repeats what got no answer, as the same bytes, until `timeoutMs`: every mutating call of asynqjs carries its
 * call record, so the repetition is answered as the first was. Nothing is left in a buffer of the client to be sent late, provided the
 * client has `enableOfflineQueue: false` and `autoResendUnfulfilledCommands: false` (as `ioredisSettings` makes it).
 */
export function ioredisPort(client: IoredisClient, options: IoredisPortOptions = {}): RedisPort {
  const { managed = false, timeoutMs = 10_000, tryTimeoutMs = 3_000, clock = systemClock } = options;
  let features: RedisFeatures | undefined;
  let closed = false;

  // A client whose connection closed may never settle what was in flight (ioredis#2193): we do.
  const inFlight = new Set<(error: RedisError) => void>();
  const onClose = (): void => {
    for (const fail of [...inFlight]) fail(wayFailed("the connection closed before the answer came", "unknown"));
  };
  const wakeAtReady = new Set<() => void>();
  const onReady = (): void => {
    for (const wake of [...wakeAtReady]) wake();
  };
  client.on("close", onClose);
  client.on("end", onClose);
  client.on("ready", onReady);

  /** One try: every command answered, or the way failed. */
  function attempt(commands: readonly Command[], leftMs: number, { signal, replicas = 0 }: SendOptions): Promise<CommandResult[]> {
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        cancel();
        inFlight.delete(fail);
        signal?.removeEventListener("abort", onAbort);
      };
      const fail = (error: RedisError): void => {
        settled();
        reject(error);
      };
      const onAbort = (): void => fail(wayFailed("given up by its caller", "unknown", signal?.reason));
      const withinMs = Math.min(tryTimeoutMs, leftMs);
      const cancel = clock.after(withinMs, () => {
        fail(wayFailed("no answer in time", "unknown"));
        if (managed) client.disconnect(true);
      });
      inFlight.add(fail);
      signal?.addEventListener("abort", onAbort, { once: true });
      write(client, commands, { replicas, withinMs: withinMs * waitShare }).then(
        (results) => {
          settled();
          resolve(results);
        },
        (error: unknown) => fail(error instanceof RedisError ? error : wayFailed("not sent", "no", error)),
      );
    });
  }

  async function send(
    commands: readonly Command[],
    { signal, timeoutMs: ownTimeoutMs, replicas }: SendOptions = {},
  ): Promise<CommandResult[]> {
    if (closed) throw wayFailed("the port is closed", "no");
    const deadlineMs = clock.monotonicMs() + (ownTimeoutMs ?? timeoutMs);
    const results: CommandResult[] = new Array(commands.length);
    let left = commands.map((_, i) => i);
    let delivered: "no" | "unknown" = "no";
    /** Says more than the timeout that a later try may end with. */
    let tooFew: RedisError | undefined;
    for (let tries = 0; ; tries++) {
      if (signal?.aborted) throw wayFailed("given up by its caller", delivered, signal.reason);
      const leftMs = deadlineMs - clock.monotonicMs();
      let failure: RedisError | undefined;
      try {
        const answers = await attempt(
          left.map((i) => commands[i]!),
          leftMs,
          { signal, replicas },
        );
        for (const [nth, i] of left.entries()) results[i] = answers[nth]!;
        left = left.filter((i) => isPassing(results[i]!.error));
        if (left.length === 0) return results;
      } catch (error) {
        failure = error as RedisError;
        if (failure.reply !== undefined) tooFew = failure;
        if (failure.delivered === "unknown") delivered = "unknown";
      }
      const pauseMs = Math.min(longestPauseMs, 10 * 2 ** Math.min(tries, 8)) * systemRandom.float();
      if (closed || signal?.aborted || clock.monotonicMs() + pauseMs >= deadlineMs) {
        if (failure === undefined) return results;
        const { message, reply, cause } = tooFew ?? failure;
        const error = new RedisError(message, { delivered, reply, cause });
        // What was answered keeps its answer.
        if (left.length === commands.length) throw error;
        for (const i of left) results[i] = { error };
        return results;
      }
      await ready(pauseMs, signal);
    }
  }

  /** Waits a little, or until the connection is there again. */
  async function ready(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    wakeAtReady.add(wake);
    signal?.addEventListener("abort", wake, { once: true });
    await sleep(clock, pauseMs, woken.signal);
    wakeAtReady.delete(wake);
    signal?.removeEventListener("abort", wake);
  }

  return {
    async features() {
      if (features !== undefined) return features;
      const [info] = await send([["INFO", "server"]]);
      if (info!.error !== undefined) throw info!.error;
      const version = /redis_version:(\d+)\.(\d+)\S*/.exec(new TextDecoder().decode(info!.reply as Uint8Array));
      const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
      if (major < 6 || (major === 6 && minor < 2))
        throw new RedisVersionError(version?.[0].slice("redis_version:".length) ?? "of unknown version");
      features = { codec: "raw", allowOom: major >= 7, cluster: client.isCluster === true, waits: true };
      return features;
    },
    send,
    async close() {
      if (closed) return;
      closed = true;
      client.off("close", onClose);
      client.off("end", onClose);
      client.off("ready", onReady);
      if (managed) client.disconnect();
    },
  };
}

/** How many replicas must have what was written, and in which time. */
interface Replication {
  readonly replicas: number;
  readonly withinMs: number;
}

/** Writes the commands in one go; on a Cluster each finds its own node. An error reply is a value, a failed way is a throw. */
async function write(client: IoredisClient, commands: readonly Command[], replication: Replication): Promise<CommandResult[]> {
  const wait = replication.replicas > 0 ? waitCommand(replication) : undefined;
  if (client.isCluster === true || (commands.length === 1 && wait === undefined)) {
    const results = await Promise.all(
      commands.map(([name, ...words]) => client.callBuffer(name as string, ...words.map(toBuffer)).then(toReply, toRefusal)),
    );
    // Each of its connections waits for what went over it, and they are those that carried the commands.
    if (wait !== undefined)
      for (const node of client.nodes!("master")) checkReplicated(await node.callBuffer(...wait).then(toReply, toRefusal), replication);
    return results;
  }
  const pipeline = client.pipeline();
  for (const [name, ...words] of commands) pipeline.callBuffer(name as string, ...words.map(toBuffer));
  if (wait !== undefined) pipeline.callBuffer(...wait);
  const answers = await pipeline.exec();
  if (answers === null) throw wayFailed("the pipeline was discarded", "unknown");
  const results = answers.map(([error, reply]) => (error === null ? toReply(reply) : toRefusal(error)));
  if (wait !== undefined) checkReplicated(results.pop()!, replication);
  return results;
}

function waitCommand({ replicas, withinMs }: Replication): [string, string, string] {
  return ["WAIT", String(replicas), String(Math.max(1, Math.floor(withinMs)))];
}

/** @throws {RedisError} too few replicas have it: it is written, and may be lost */
function checkReplicated({ reply }: CommandResult, { replicas }: Replication): void {
  if (typeof reply === "number" && reply >= replicas) return;
  throw new RedisError(`redis did not replicate: written, but not on ${replicas} replica(s) in time`, {
    delivered: "unknown",
    reply: "NOREPLICAS",
  });
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

/** An error reply of Redis is the command's own; any other error means that the way failed. */
function toRefusal(error: unknown): CommandResult {
  if (error instanceof RedisError) throw error;
  if (error instanceof Error && error.name === "ReplyError") return { error: refusal(error.message) };
  const unsent =
    error instanceof Error &&
    /isn't writeable|Connection is closed|Cluster isn't ready|Failed to refresh slots|None of startup nodes/.test(error.message);
  throw wayFailed("no answer", unsent ? "no" : "unknown", error);
}

/** Carries no text of the client's: it may quote the command. The cause keeps its class and code. */
function wayFailed(why: string, delivered: "no" | "unknown", cause?: unknown): RedisError {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? ` (${cause.code})` : "";
  return new RedisError(`redis did not answer: ${why}${code}`, { delivered });
}
