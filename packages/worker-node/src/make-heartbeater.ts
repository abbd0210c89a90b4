import { type CancelIntent, makeBroker } from "@asynqjs/core";
import type { Settings } from "./config.ts";
import type { Connection } from "./connect.ts";
import { type Heartbeater, heartbeater } from "./heartbeater.ts";
import type { Counters } from "./metrics.ts";
import { describeServer } from "./server-record.ts";
import { onMainWarning, threadHeartbeater } from "./thread-heartbeater.ts";

/** Whether the heartbeats have a thread and a connection of their own. */
export function beatsInThread({ parsed }: Connection, { machineTime }: Settings): boolean {
  return parsed !== undefined && machineTime;
}

/** The heartbeater of a server that starts: in a thread of its own, or here where a thread could not have the same Redis or clock. */
export function makeHeartbeater(
  connection: Connection,
  settings: Settings,
  counters: Counters,
  onCancelIntent: (intent: CancelIntent) => void,
): Heartbeater {
  const { port, parsed } = connection;
  const { clock, random, logger, heartbeatIntervalMs } = settings;
  const server = describeServer(settings);
  const onMain = (): Heartbeater =>
    heartbeater(makeBroker({ redis: port, clock, random }), { ...settings, server, counters, onCancelIntent });
  if (parsed !== undefined && beatsInThread(connection, settings))
    return threadHeartbeater({ settings: { redis: parsed, server, heartbeatIntervalMs }, clock, logger, counters, onCancelIntent, onMain });
  logger.warn(onMainWarning(parsed === undefined ? "the connection is yours" : "clock or random is yours"));
  return onMain();
}
