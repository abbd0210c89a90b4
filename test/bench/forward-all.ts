import { forward, makeBroker, systemClock, systemRandom } from "@asynqjs/core";
import { ioredisPort, ioredisSettings } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import type { JobOf, Told } from "./jobs.ts";

interface Process {
  readonly begin: () => (counts: { readonly runs: number; readonly repeated: number }) => void;
  readonly next: () => Promise<unknown>;
  readonly tell: (line: Told) => void;
}

/** As cron functions do it: ticks with the budget they have by default, one after the other. */
export async function forwardAll({ redisPort }: JobOf<"forward">, { begin, next, tell }: Process): Promise<void> {
  const redis = new Redis(ioredisSettings({ kind: "standalone", host: "127.0.0.1", port: redisPort }).options);
  const broker = makeBroker({ redis: ioredisPort(redis), clock: systemClock, random: systemRandom });
  await broker.redis.features();
  tell({ event: "ready" });
  await next();
  const end = begin();
  let invocations = 0;
  let more = true;
  while (more) {
    const report = await forward(broker, { queues: ["default"] });
    for (const { error } of report.errors) throw error;
    more = report.more;
    invocations++;
  }
  end({ runs: invocations, repeated: 0 });
  redis.disconnect();
  tell({ event: "closed" });
}
