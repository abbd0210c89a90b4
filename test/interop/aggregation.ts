/** What the suites of groups share: an aggregator of ours that is of the shape of Go's, and a look at what was made of groups. */
import { type AggregateReport, aggregate, type Broker, type GroupAggregator, Task } from "@asynqjs/core";
import type { Redis } from "ioredis";
import type { Worker } from "./interop-test.ts";

export const queues = ["default"];
export const sets = "asynq:{default}:aggregation_sets";

/** One task of ours whose payload is the JSON list of theirs. */
export const join: GroupAggregator = (_, tasks) =>
  new Task(
    "digest",
    tasks.map((task) => task.text()),
  );

/** Our aggregator looks at all groups once. */
export function aggregateAll(broker: Broker): Promise<AggregateReport> {
  return aggregate(broker, { queues, aggregator: join, gracePeriodSec: 60 });
}

/** What the aggregated tasks of a type that a worker ran so far are made of, a list for each. */
export function runsOf({ lines }: Worker, type: "aggregated" | "digest"): string[][] {
  return lines.flatMap((line) => (line.event === "run" && line.type === type ? [partsOf(Buffer.from(line.payload!, "base64"))] : []));
}

/** What an aggregated task of this payload is made of. */
export function partsOf(payload: Uint8Array): string[] {
  return (JSON.parse(Buffer.from(payload).toString()) as string[]).sort();
}

/** The ids that wait in a group or a set, or the keys of the sets in their registry. */
export function idsOf(redis: Redis, key: string): Promise<string[]> {
  return redis.zrange(key, "0", "-1");
}
