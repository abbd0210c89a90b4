/** `npm run schedules -- --years N --seed S`: slots around every edge of daylight saving; exit 1 at the first that is not fired exactly once. @module */
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { numberOf, readFlags } from "../support/read-flags.ts";
import { startRedis } from "../support/redis-server.ts";
import { simulateSchedules } from "./simulate-schedules.ts";
import { tellSchedules } from "./tell-schedules.ts";

const values = readFlags("schedules", {
  years: { type: "string", default: "1" },
  seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
});
const years = numberOf("schedules", "years", values.years, 1);
const seed = numberOf("schedules", "seed", values.seed);

console.log(`seed ${seed}`);
const server = await startRedis({ databases: 1 });
const redis = new Redis(server.url, { protocol: 2 });
let told = performance.now();
const report = await simulateSchedules({
  ...{ redis: ioredisPort(redis), years, seed },
  onWindow({ windows, slots, violations }) {
    if (performance.now() - told < 60_000 || violations.length > 0) return;
    told = performance.now();
    console.log(`${windows} windows, ${slots} slots`);
  },
});
console.log(tellSchedules(report));
process.exitCode = report.violations.length === 0 ? 0 : 1;
redis.disconnect();
await server.stop();
