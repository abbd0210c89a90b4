import { type Clock, systemClock, systemRandom } from "../clock.ts";

type ClientEvent = "connect" | "ready" | "close" | "end";

/** What is used of a client that is to stay connected. */
interface EndingClient {
  connect?(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: ClientEvent, listener: () => void): unknown;
  off(event: ClientEvent, listener: () => void): unknown;
}

/** The longest it stays away: where many hear of a new master at once, not all of them ask for it at once. */
const longestPauseMs = 100;

/** How long Redis may take to let in a connection that is made. */
const letInWithinMs = 3_000;

/**
 * Connects an ioredis client again that ended though nobody ended it, and breaks a connection over which Redis does not let it in, until what
 * this answers is called: do so before you disconnect it.
 *
 * ioredis 6.0.0 ends, for good, when a Sentinel tells it that the master was replaced (`failoverDetector`) while it asks for the master; and
 * it waits for ever for the answer to its first words, where they were lost with the network between.
 */
export function stayConnected(client: EndingClient, clock: Clock = systemClock): () => void {
  let cancel = (): void => {};
  const wait = (delayMs: number, then: () => void): void => {
    cancel();
    cancel = clock.after(delayMs, then);
  };
  const listeners: readonly (readonly [ClientEvent, () => void])[] = [
    ["end", () => wait(systemRandom.float() * longestPauseMs, () => void client.connect?.().catch(() => {}))],
    ["connect", () => wait(letInWithinMs, () => client.disconnect(true))],
    ["ready", () => cancel()],
    ["close", () => cancel()],
  ];
  for (const [event, listener] of listeners) client.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) client.off(event, listener);
    cancel();
  };
}
