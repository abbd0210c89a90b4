import { type Clock, systemClock, systemRandom } from "../clock.ts";

/** What is used of a client that is to stay connected. */
interface EndingClient {
  connect?(): Promise<unknown>;
  on(event: "end", listener: () => void): unknown;
  off(event: "end", listener: () => void): unknown;
}

/** The longest it stays away: where many hear of a new master at once, not all of them ask for it at once. */
const longestPauseMs = 100;

/**
 * Connects an ioredis client again that ended though nobody ended it, until what this answers is called: do so before you disconnect it.
 *
 * ioredis 6.0.0 ends, for good, when a Sentinel tells it that the master was replaced (`failoverDetector`) while it asks for the master.
 */
export function stayConnected(client: EndingClient, clock: Clock = systemClock): () => void {
  let cancel = (): void => {};
  const again = (): void => {
    cancel();
    cancel = clock.after(systemRandom.float() * longestPauseMs, () => void client.connect?.().catch(() => {}));
  };
  client.on("end", again);
  return () => {
    client.off("end", again);
    cancel();
  };
}
