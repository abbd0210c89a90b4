/**
 * Hears from Redis when a queue changes, so that an idle server asks nothing. Redis remembers which keys the command connection has read
 * and tells the listening one when they change, once for each read: an empty fetch reads the keys of its queues last.
 * @see https://redis.io/docs/latest/develop/reference/client-side-caching/
 * @module
 */
import { seldom } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import type { SingleWay } from "./light-redis/single-way.ts";

/** Where Redis tells of keys that changed, on a connection of the second protocol. */
export const invalidations = "__redis__:invalidate";

/** A connection that has subscribed to {@link invalidations}. */
interface Listener {
  /** Its number in Redis. */
  readonly clientId: number;
  /** Is answered behind everything that Redis told it before. */
  ping(): Promise<unknown>;
}

/** A pair of connections to one server: what is read on the one is told of on the other. */
export interface Watcher {
  /** The listening connection is there and has subscribed. */
  listening(listener: Listener): void;
  /** It is away: nothing is heard until it comes back. */
  deaf(): void;
  /** What came over it. */
  heard(keys: string): void;
  /** Whether a change of what is read from now on is heard of. */
  readonly watching: boolean;
  stop(): void;
}

/** So long lasts the key by which a watcher sees whether it hears anything at all, where it could not be deleted at once. */
const probeTtlMs = 60_000;
/** Who hears nothing tries again after so long: a full Redis refuses the key. */
const tryAgainMs = 60_000;

/**
 * Watches as soon as both connections are there, and anew when either is another. `onChange` is told what changed, as text that holds the
 * names, or nothing where anything may have: also whenever it begins to watch.
 */
export function watcher(
  command: Pick<SingleWay, "ready" | "write" | "listen">,
  { clock, logger, random }: Pick<Settings, "clock" | "logger" | "random">,
  onChange: (keys?: string) => void,
): Watcher {
  const info = seldom(clock, logger.info, 3_600_000);
  let listener: Listener | undefined;
  let watching = false;
  let stopped = false;
  /** What this attempt waits to hear of; an older attempt finds something else here. */
  let probe = "";
  let cancelRetry = (): void => {};

  function unwatch(): void {
    watching = false;
    probe = "";
    cancelRetry();
  }

  async function watch(): Promise<void> {
    unwatch();
    if (stopped || listener === undefined || !command.ready) return;
    const { clientId, ping } = listener;
    const key = `asynq:js:probe:${clientId}:${Math.floor(random.float() * 2 ** 32)}`;
    probe = key;
    try {
      await readAndDelete(key, clientId);
      // What it was told of came before this is answered.
      await ping();
      if (probe === key) info("changes of queues are not heard of: the server polls");
    } catch (error) {
      // A connection that is lost comes back, and with it another attempt.
      if (probe === key) info("changes of queues are not told: the server polls", { error: (error as Error).message });
    }
    if (probe === key) cancelRetry = clock.after(tryAgainMs, watch);
  }

  /** Only while it probes is it told of what it changes itself. What is read behind `CLIENT CACHING NO` alone is not remembered. */
  async function readAndDelete(key: string, clientId: number): Promise<void> {
    const tracking = ["CLIENT", "TRACKING", "ON", "REDIRECT", String(clientId), "OPTOUT"] as const;
    const answers = await command.write(
      [tracking, ["SET", key, "", "PX", String(probeTtlMs)], ["GET", key], ["DEL", key], [...tracking, "NOLOOP"]],
      { replicas: 0, withinMs: 0 },
    );
    for (const { error } of answers) if (error !== undefined) throw error;
  }

  const unlisten = command.listen({ onReady: watch, onClose: unwatch });
  return {
    get watching() {
      return watching;
    },
    listening(there) {
      listener = there;
      void watch();
    },
    deaf() {
      listener = undefined;
      unwatch();
    },
    heard(text) {
      if (stopped) return;
      if (probe !== "" && text.includes(probe)) {
        probe = "";
        watching = true;
        onChange();
      } else if (watching) onChange(text === "" ? undefined : text);
    },
    stop() {
      stopped = true;
      unwatch();
      unlisten();
    },
  };
}
