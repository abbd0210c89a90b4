import { type CancelTarget, cancelChannel, narrowCancelChannel, readCancelTarget, seldom, within } from "@asynqjs/core";
import { stayConnected } from "@asynqjs/core/redis/ioredis";
import type { Cluster, Redis } from "ioredis";
import type { Settings } from "./config.ts";
import { probeTimeoutMs } from "./prober.ts";
import type { Component } from "./ticker.ts";
import { invalidations, type Watcher } from "./watcher.ts";

/** How long it waits before it asks once more for what Redis refused. Asynq: its subscriber's retry time. */
const retryAfterMs = 5_000;

export interface Subscriber extends Component {
  /** Sees whether its connection is still there, and makes another where it is not. A Cluster's is not looked at. */
  probe(signal: AbortSignal): Promise<void>;
}

/**
 * Hears cancelations, on a connection of its own, and hands them on; and what the watcher of the command connection is to hear. What is
 * published while the connection is away is heard of from the note beside it, with a later heartbeat; the watcher begins anew.
 * @see Asynq subscriber.go
 */
export function subscriber(
  client: Redis | Cluster,
  { clock, logger }: Pick<Settings, "clock" | "logger">,
  onCancel: (target: CancelTarget) => void,
  watcher?: Watcher,
): Subscriber {
  const warn = seldom(clock, logger.warn);
  let cancelRetry = (): void => {};
  let stopped = false;
  let closes = 0;

  async function subscribe(): Promise<void> {
    try {
      // It cannot be asked once it has subscribed.
      const clientId = watcher === undefined ? 0 : Number(await client.call("CLIENT", "ID"));
      await client.subscribe(cancelChannel, narrowCancelChannel, ...(watcher === undefined ? [] : [invalidations]));
      watcher?.listening({ clientId, ping: () => client.ping() });
    } catch (error) {
      if (stopped) return;
      warn("subscriber could not subscribe to cancelations", { error: (error as Error).message });
      cancelRetry();
      cancelRetry = clock.after(retryAfterMs, subscribe);
    }
  }

  client.on("ready", subscribe);
  const letGo = stayConnected(client, clock);
  client.on("close", () => {
    closes++;
    watcher?.deaf();
  });
  client.on("message", (channel: string, message: string) => {
    if (stopped) return;
    if (channel === invalidations) watcher?.heard(message);
    else onCancel(channel === cancelChannel ? { id: message } : readCancelTarget(message));
  });
  return {
    name: "subscriber",
    start() {
      if (stopped || client.status !== "wait") return;
      // Whether it comes at once or later: the client goes on trying by itself.
      client.connect().catch(() => {});
    },
    async probe(signal) {
      if (client.isCluster || client.status !== "ready") return;
      const before = closes;
      const answered = (): true => true;
      const answer = await within(clock, probeTimeoutMs, signal, client.ping().then(answered, answered));
      if (answer || signal.aborted || closes !== before) return;
      warn("redis does not answer the subscriber: it connects anew");
      client.disconnect(true);
    },
    async stop() {
      stopped = true;
      cancelRetry();
      watcher?.stop();
      letGo();
      // A client that is told to leave while it connects calls that an error.
      client.removeAllListeners("error").on("error", () => {});
      client.disconnect();
    },
  };
}
