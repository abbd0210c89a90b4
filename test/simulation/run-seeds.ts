/** A process that simulates seed after seed on a Redis of its own, and prints a report of each as a line of JSON. @module */
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { openRedisLink } from "@asynqjs/gateway";
import { Redis } from "ioredis";
import { startRedis } from "../support/redis-server.ts";
import { simulate } from "./simulate.ts";

/** What the process is to do, as JSON in its first argument. It stops at the first violation. */
export interface SeedsToRun {
  readonly firstSeed: number;
  /** From one seed to the next. */
  readonly stride: number;
  /** It stops after so many steps in all, those of whole seeds, */
  readonly steps: number;
  /** or when so many milliseconds are over. */
  readonly withinMs: number;
  /** Steps with faults of each seed: another number makes another run of it. */
  readonly stepsPerSeed: number;
  /** Whether it prints each event to stderr. */
  readonly trace: boolean;
}

// Who asked for it is gone.
process.stdout.on("error", () => process.exit());

const { firstSeed, stride, steps, withinMs, stepsPerSeed, trace } = JSON.parse(process.argv[2]!) as SeedsToRun;
const server = await startRedis({ databases: 1 });
const client = new Redis(server.url, { protocol: 2 });
// The real way has all the time it wants: a slow machine must not look like a fault.
const port = ioredisPort(client, { timeoutMs: 60_000, tryTimeoutMs: 60_000 });
const link = openRedisLink(server.url);
await link.firstAttempt;

const startMs = performance.now();
const onEvent = trace ? (text: string): void => void process.stderr.write(`${text}\n`) : undefined;
let done = 0;
for (let seed = firstSeed; done < steps && performance.now() - startMs < withinMs; seed += stride) {
  const report = await simulate({ port, link }, { seed, steps: stepsPerSeed, onEvent });
  done += report.steps;
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (report.violations.length > 0) break;
}
link.close();
client.disconnect();
// What holds the process is gone with them, so there is nothing to wait in.
void server.stop();
