/**
 * The port over connections of one's own: what got no answer is sent again.
 * @module
 */
import { type Clock, type Random, sleep, systemClock, systemRandom } from "../clock.ts";
import { Deadlines, type Timed } from "../deadlines.ts";
import { type Delivered, RedisError, RedisVersionError } from "../errors.ts";
import type { Command, CommandResult, RedisFeatures, RedisPort, SendOptions } from "../redis.ts";
import { afterTries, isPassing } from "./refusal.ts";
import type { Replication } from "./replication.ts";

/** Connections to one Redis, a Sentinel's master or a Cluster, that come back by themselves. */
export interface Way {
  readonly cluster: boolean;
  /** Whether it can wait until replicas have what was written; one that cannot is never asked to. */
  readonly waits: boolean;
  /**
   * One try, in one go and in order. An error reply is a value, a failed way is a throw: of `wayFailed`, which says whether anything left.
   * Never waits for a connection, so that nothing is sent late.
   */
  write(commands: readonly Command[], replication: Replication): Promise<readonly CommandResult[]>;
  /** A try had no answer in time: its connection counts as dead. */
  reset(): void;
  close(): void;
  /** Tells when there is a connection to try again on, and when one was lost. Answers how to end that. */
  listen(listeners: { readonly onReady: () => void; readonly onClose: () => void }): () => void;
}

export interface RepeatingPortOptions {
  /** The longest a caller waits, tries included, unless it says otherwise. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** The longest one try may take before the connection counts as dead. Default 3,000. */
  readonly tryTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** For tests. Default: the machine's. */
  readonly random?: Random | undefined;
}

/** A try that has no answer yet. */
interface Try extends Timed {
  readonly reject: (error: RedisError) => void;
  readonly signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
}

/** The part of a try in which replicas must have what was written: the rest is for the answer to come. */
const waitShare = 0.8;
/** The longest wait between two tries. */
const longestPauseMs = 500;

/**
 * A port over the way. Repeats what got no answer, as the same bytes, until `timeoutMs`: every mutating call of asynqjs carries its call
 * record, so the repetition is answered as the first was.
 */
export function repeatingPort(way: Way, options: RepeatingPortOptions = {}): RedisPort {
  const { timeoutMs = 10_000, tryTimeoutMs = 3_000, clock = systemClock, random = systemRandom } = options;
  let features: RedisFeatures | undefined;
  let closed = false;

  // A client whose connection closed may never settle what was in flight (ioredis#2193): we do.
  const inFlight = new Deadlines<Try>(clock, (late) => {
    for (const each of late) fail(each, wayFailed("no answer in time", "unknown"));
    way.reset();
  });
  const onClose = (): void => failAll("the connection closed before the answer came");
  const wakeAtReady = new Set<() => void>();
  const onReady = (): void => {
    for (const wake of [...wakeAtReady]) wake();
  };
  const unlisten = way.listen({ onReady, onClose });

  function failAll(why: string): void {
    for (const each of inFlight.all()) fail(each, wayFailed(why, "unknown"));
  }

  function end(tried: Try): void {
    inFlight.delete(tried);
    if (tried.onAbort !== undefined) tried.signal!.removeEventListener("abort", tried.onAbort);
  }

  function fail(tried: Try, error: RedisError): void {
    end(tried);
    tried.reject(error);
  }

  /** One try: every command answered, or the way failed. `delivered` is of the tries before. */
  function attempt(
    commands: readonly Command[],
    { signal, replicas = 0 }: SendOptions,
    nowMs: number,
    deadlineMs: number,
    delivered: Delivered,
  ): Promise<readonly CommandResult[]> {
    return new Promise((resolve, reject) => {
      if (closed) throw wayFailed("the port is closed", delivered);
      if (signal?.aborted) throw wayFailed("given up by its caller", delivered, signal.reason);
      const withinMs = Math.min(tryTimeoutMs, Math.max(1, deadlineMs - nowMs));
      const tried: Try = { deadlineMs: nowMs + withinMs, reject, signal, onAbort: undefined };
      if (signal !== undefined) {
        tried.onAbort = () => fail(tried, wayFailed("given up by its caller", "unknown", signal.reason));
        signal.addEventListener("abort", tried.onAbort, { once: true });
      }
      inFlight.add(tried);
      way.write(commands, { replicas, withinMs: withinMs * waitShare }).then(
        (results) => {
          end(tried);
          resolve(results);
        },
        (error: unknown) => fail(tried, error instanceof RedisError ? error : wayFailed("not sent", "no", error)),
      );
    });
  }

  // What every call costs is here: nearly all of them are answered at their first try.
  async function send(commands: readonly Command[], options: SendOptions = {}): Promise<readonly CommandResult[]> {
    const nowMs = clock.monotonicMs();
    const deadlineMs = nowMs + (options.timeoutMs ?? timeoutMs);
    let answers: readonly CommandResult[] | undefined;
    let failure: RedisError | undefined;
    try {
      answers = await attempt(commands, options, nowMs, deadlineMs, "no");
      if (!answers.some(mayPass)) return answers;
    } catch (error) {
      failure = error as RedisError;
    }
    return repeat(commands, options, deadlineMs, answers ?? failure!);
  }

  /** Goes on after a first try that ended so. */
  async function repeat(
    commands: readonly Command[],
    options: SendOptions,
    deadlineMs: number,
    first: readonly CommandResult[] | RedisError,
  ): Promise<readonly CommandResult[]> {
    const { signal } = options;
    const results: CommandResult[] = new Array(commands.length);
    /** Where in the call what is still to be asked stands. */
    let left = commands.map((_, i) => i);
    let delivered: Delivered = "no";
    /** Says more than the timeout that a later try may end with. */
    let tooFew: RedisError | undefined;
    let last = first;
    for (let tries = 0; ; tries++) {
      let failure: RedisError | undefined;
      if (last instanceof RedisError) {
        failure = last;
        if (failure.reply !== undefined) tooFew = failure;
        if (failure.delivered === "unknown") delivered = "unknown";
      } else {
        for (const [nth, i] of left.entries()) results[i] = afterTries(last[nth]!, delivered);
        left = left.filter((i) => mayPass(results[i]!));
        if (left.length === 0) return results;
      }
      const pauseMs = Math.min(longestPauseMs, 10 * 2 ** Math.min(tries, 8)) * random.float();
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
      last = await attempt(
        left.map((i) => commands[i]!),
        options,
        clock.monotonicMs(),
        deadlineMs,
        delivered,
      ).catch((error: RedisError) => error);
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
      const version = /redis_version:(\d+)\.(\d+)\S*/.exec(info!.reply instanceof Uint8Array ? new TextDecoder().decode(info!.reply) : "");
      const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
      if (major < 6 || (major === 6 && minor < 2))
        throw new RedisVersionError(version?.[0].slice("redis_version:".length) ?? "of unknown version");
      features = { codec: "raw", allowOom: major >= 7, cluster: way.cluster, waits: way.waits };
      return features;
    },
    send,
    async close() {
      if (closed) return;
      closed = true;
      unlisten();
      // What is under way, or waits for its next try, ends now: no timer outlives the port.
      failAll("the port is closed");
      onReady();
      way.close();
    },
  };
}

/** Whether what a command was answered may be another answer soon. */
function mayPass({ error }: CommandResult): boolean {
  return error !== undefined && isPassing(error);
}

/** Why a try failed, and whether anything of it left. Carries no text of the cause's, which may quote the command; only its code. */
export function wayFailed(why: string, delivered: "no" | "unknown", cause?: unknown): RedisError {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? ` (${cause.code})` : "";
  return new RedisError(`redis did not answer: ${why}${code}`, { delivered });
}
