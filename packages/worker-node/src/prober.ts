import type { Settings } from "./config.ts";
import { idleBeatMs } from "./heartbeater.ts";
import { type Component, ticker } from "./ticker.ts";

/** Who has not answered after so long is not there any more. */
export const probeTimeoutMs = 4_000;

/**
 * Asks for a sign of life where nothing else would notice that a connection is dead: with the pace of the heartbeats, every 5 s while tasks
 * are in hand and every minute else. A probe deals with what it finds itself, and does not reject.
 */
export function prober(
  probes: readonly ((signal: AbortSignal) => Promise<unknown>)[],
  { clock, heartbeatIntervalMs }: Pick<Settings, "clock" | "heartbeatIntervalMs">,
  busy: () => boolean,
): Component {
  let restUntilMs = clock.monotonicMs() + idleBeatMs;
  const restMs = (): number => (busy() ? 0 : restUntilMs - clock.monotonicMs());
  return ticker("prober", clock, { everyMs: heartbeatIntervalMs, first: "after one interval", restMs }, async (signal) => {
    restUntilMs = clock.monotonicMs() + idleBeatMs;
    await Promise.all(probes.map((probe) => probe(signal)));
  });
}
