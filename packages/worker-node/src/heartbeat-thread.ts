/**
 * What runs in the heartbeat thread: the heartbeater, on a connection of its own. The build puts it, with all that it imports, into a string.
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { correctedClock, makeBroker, systemClock, systemRandom } from "@asynqjs/core";
import { type FromThread, type ThreadSettings, type ToThread, unpackLeases } from "./heartbeat-messages.ts";
import { type HeldLease, heartbeater } from "./heartbeater.ts";
import { lightPort } from "./light-redis/light-port.ts";
import type { Logger } from "./logger.ts";
import { processMs } from "./process-clock.ts";

const { offsetMs, redis, status, ...settings } = workerData as ThreadSettings;
const post = (message: FromThread): void => parentPort!.postMessage(message);
const log =
  (level: keyof Logger): Logger["info"] =>
  (message, details) =>
    post({ kind: "log", level, message, details });

const clock = correctedClock({ ...systemClock, monotonicMs: processMs });
clock.adopt(offsetMs);
const port = lightPort(redis, { clock });
const held = new Map<number, HeldLease>();
const handles = new Map<HeldLease, number>();

function drop(handle: number): HeldLease | undefined {
  const lease = held.get(handle);
  if (lease !== undefined) handles.delete(lease);
  held.delete(handle);
  return lease;
}

const beats = heartbeater(makeBroker({ redis: port, clock, random: systemRandom }), {
  ...settings,
  clock,
  logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  counters: { add: (counter, count = 1) => post({ kind: "count", counter, count }) },
  onCancelIntent: (intent) => post({ kind: "canceled", intent }),
  onBeat: (extended, endsAtMs) =>
    post({ kind: "beat", extended: extended.flatMap((lease) => handles.get(lease) ?? []), endsAtMs, offsetMs: clock.offsetMs }),
});

parentPort!.on("message", async (message: ToThread) => {
  switch (message.kind) {
    case "leases": {
      for (const handle of message.forget) {
        const lease = drop(handle);
        if (lease !== undefined) beats.forget(lease);
      }
      if (message.hold === undefined) return;
      const leases = unpackLeases(message.hold, (handle) => ({ code }) => {
        drop(handle);
        post({ kind: "lost", handle, code });
      });
      for (const { handle, lease } of leases) {
        held.set(handle, lease);
        handles.set(lease, handle);
      }
      beats.hold(leases.map(({ lease }) => lease));
      return;
    }
    case "tell":
      beats.tell(message.status);
      return;
    case "stop":
      await beats.stop();
      await port.close();
      parentPort!.close();
      return;
    default:
      message satisfies never;
  }
});
post({ kind: "begun" });
beats.tell(status);
beats.start();
