import type { RedisPort } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import { errorText } from "./error-text.ts";
import type { Counters } from "./metrics.ts";
import { type Component, ticker } from "./ticker.ts";

/** Told of each check: nothing when Redis answered, else why it did not. Not waited for. */
export type HealthCheckFunc = (error?: Error) => void | Promise<void>;

/** Asks Redis for a sign of life every so often, and tells the user's function. @see Asynq healthcheck.go */
export function healthchecker(
  redis: RedisPort,
  { clock, logger, healthCheckIntervalMs }: Pick<Settings, "clock" | "logger" | "healthCheckIntervalMs">,
  check: HealthCheckFunc,
  counters: Pick<Counters, "add">,
): Component {
  function failed(thrown: unknown): void {
    counters.add("callbackErrors");
    logger.error("healthCheckFunc failed", { error: errorText(thrown) });
  }

  return ticker("healthchecker", clock, { everyMs: healthCheckIntervalMs, first: "after one interval" }, async (signal) => {
    const [pong] = await redis.send([["PING"]], { signal }).catch((error: Error) => [{ error }]);
    if (signal.aborted) return;
    try {
      Promise.resolve(pong!.error === undefined ? check() : check(pong!.error)).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  });
}
