/**
 * How fast a keyspace is scanned for what should never be: `node scripts/run.mjs node test/invariants/measure.ts TASKS`. Prints JSON, in
 * which processor time says more than the clock where others run beside it.
 */
import { composeTask, dequeue, enqueue, makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { scanInvariants } from "@asynqjs/core/invariants";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { startRedis } from "../support/redis-server.ts";

/** Small keyspaces are scanned over and over for so long. */
const forMs = 3_000;

const count = Number(process.argv[2] ?? 10);
const server = await startRedis();
const redis = new Redis({ port: server.port, protocol: 2 });
const broker = makeBroker({ redis: ioredisPort(redis), clock: systemClock, random: systemRandom });
for (let at = 0; at < count; at += 500) {
  const ids = Array.from({ length: Math.min(500, count - at) }, (_, i) => at + i);
  await enqueue(
    broker,
    ids.map((id) =>
      composeTask(new Task("email:send", { to: "ada@example.com", id }), id % 10 === 0 ? { processInSec: 3600 } : {}, broker),
    ),
  );
}
await dequeue(broker, ["default"], Math.min(100, Math.floor(count / 4)));
// Known scripts, warm code.
for (let i = 0; i < 100 && count <= 1_000; i++) await scanInvariants(broker.redis);

/** Processor time of Redis so far. */
async function redisCpuMs(): Promise<number> {
  const info = await redis.info("cpu");
  return 1000 * ["user", "sys"].reduce((sum, of) => sum + Number(new RegExp(`used_cpu_${of}:([0-9.]+)`).exec(info)![1]), 0);
}
const redisBeforeMs = await redisCpuMs();
const oursBefore = process.cpuUsage();

let scans = 0;
let findings = 0;
let peakHeapBytes = 0;
const sampler = setInterval(() => {
  peakHeapBytes = Math.max(peakHeapBytes, process.memoryUsage().heapUsed);
}, 20);
const startMs = performance.now();
do {
  findings += (await scanInvariants(broker.redis)).findings.length;
  scans++;
} while (performance.now() - startMs < forMs);
const tookMs = performance.now() - startMs;
clearInterval(sampler);

const redisMs = (await redisCpuMs()) - redisBeforeMs;
const ours = process.cpuUsage(oursBefore);
console.log(
  JSON.stringify({
    tasks: count,
    findings,
    scansPerSec: Number((scans / (tookMs / 1000)).toPrecision(3)),
    secPerScan: Number((tookMs / 1000 / scans).toPrecision(3)),
    redisCpuMsPerScan: Number((redisMs / scans).toPrecision(3)),
    oursCpuMsPerScan: Number(((ours.user + ours.system) / 1000 / scans).toPrecision(3)),
    peakHeapMiB: Math.round(peakHeapBytes / 2 ** 20),
  }),
);
redis.disconnect();
void server.stop();
