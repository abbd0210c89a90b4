import { type CancelTarget, cancelChannel, narrowCancelChannel, readCancelTarget } from "@asynqjs/core";
import { stayConnected } from "@asynqjs/core/redis/ioredis";
import type { Cluster, Redis } from "ioredis";
import type { Settings } from "./config.ts";
import { seldom } from "./logger.ts";
import type { Component } from "./ticker.ts";
import { invalidations, type Watcher } from "./watcher.ts";

/** How long it waits before it asks once more for what Redis refused. Asynq: its subscriber's retry time. */
const retryAfterMs = 5_000;

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
): Component {
  const warn = seldom(clock, logger.warn);
  let cancelRetry = (): void => {};
  let stopped = false;

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
  client.on("close", () => watcher?.deaf());
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
