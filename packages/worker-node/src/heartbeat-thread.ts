/**
 * What runs in the heartbeat thread: the heartbeater, on a connection of its own. The build puts it, with all that it imports, into a string.
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { correctedClock, type Logger, makeBroker, systemClock, systemRandom } from "@asynqjs/core";
import type { FromThread, ThreadSettings, ToThread } from "./heartbeat-messages.ts";
import { type HeldLease, heartbeater } from "./heartbeater.ts";
import { LeaseTable } from "./lease-table.ts";
import { lightPort } from "./light-redis/light-port.ts";
import { processMs } from "./process-clock.ts";

const { memory, offsetMs, redis, status, ...settings } = workerData as ThreadSettings;
const post = (message: FromThread): void => parentPort!.postMessage(message);
const log =
  (level: keyof Logger): Logger["info"] =>
  (message, details) =>
    post({ kind: "log", level, message, details });

const clock = correctedClock({ ...systemClock, monotonicMs: processMs });
clock.adopt(offsetMs);
const port = lightPort(redis, { clock });
let table = new LeaseTable(memory);
const held = new Set<HeldLease>();
const known = new Map<number, HeldLease>();
const handles = new Map<HeldLease, number>();

function look(): void {
  readTable();
  if (held.size > 0) return;
  table.rest();
  // What came before it was said that this thread rests did not wake it.
  readTable();
}

/** Makes `held` what stands in the table. A lease that was lost is known as long as it stands there, and held no more. */
function readTable(): void {
  const seen = new Set<number>();
  for (const { handle, lease } of table.read()) {
    seen.add(handle);
    if (known.has(handle)) continue;
    const read = lease();
    if (read === undefined) continue;
    const one: HeldLease = { ...read, onLost: ({ code }) => post({ kind: "lost", handle, code }) };
    known.set(handle, one);
    handles.set(one, handle);
    held.add(one);
  }
  for (const [handle, lease] of known) {
    if (seen.has(handle)) continue;
    known.delete(handle);
    handles.delete(lease);
    held.delete(lease);
  }
}

const beats = heartbeater(makeBroker({ redis: port, clock, random: systemRandom }), {
  ...settings,
  clock,
  held,
  beforeBeat: look,
  logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  counters: { add: (counter, count = 1) => post({ kind: "count", counter, count }) },
  onCancelIntent: (intent) => post({ kind: "canceled", intent }),
  onBeat: (extended, endsAtMs) =>
    post({ kind: "beat", extended: extended.flatMap((lease) => handles.get(lease) ?? []), endsAtMs, offsetMs: clock.offsetMs }),
});

parentPort!.on("message", async (message: ToThread) => {
  switch (message.kind) {
    case "table":
    case "wake":
      if (message.kind === "table") table = new LeaseTable(message.memory);
      look();
      beats.hold([...held]);
      return;
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
