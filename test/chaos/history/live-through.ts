import { writeFileSync } from "node:fs";
import path from "node:path";
import { Client } from "@asynqjs/client-edge";
import type { Random } from "@asynqjs/core";
import { type HistoryEvent, type TotalQueueReport, totalQueue } from "@asynqjs/core/invariants";
import { ioredisPort, ioredisSettings, parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { startGateway } from "@asynqjs/gateway";
import { Redis } from "ioredis";
import { httpFaults } from "../../support/http-faults.ts";
import { tcpFaults } from "../../support/tcp-faults.ts";
import type { Lab, LabRedis } from "../lab.ts";
import type { RunEvent } from "../worker-process.ts";
import { Crew, type Post } from "./crew.ts";
import { drain, whatIsLeft } from "./drain.ts";
import { explainRuns, type Fault, type Run, type RunsReport, runsOf } from "./explain-runs.ts";
import type { Target } from "./faults.ts";
import { type Judged, judgeTasks } from "./judge-tasks.ts";
import { type EnqueueEvent, produce } from "./produce.ts";

export interface LiveOptions {
  readonly redis: LabRedis;
  readonly random: Random;
  readonly tasks: number;
  readonly perSec: number;
  /** How many workers of each kind there are. */
  readonly crew: Readonly<Record<Post["kind"], number>>;
  /** What happens meanwhile; told when all tasks are enqueued. It is waited for. */
  readonly afflict: (target: Target, enqueued: AbortSignal) => Promise<void>;
  /** Whether a fault may be why a task of that run was run again. */
  readonly explains: (fault: Fault, run: Run) => boolean;
}

/** What became of it all, after the faults were over and everything had time to drain. */
export interface Lived {
  readonly enqueued: readonly EnqueueEvent[];
  readonly faults: readonly Fault[];
  readonly events: readonly RunEvent[];
  readonly queue: TotalQueueReport;
  readonly judged: Judged;
  readonly explained: RunsReport;
  readonly seconds: number;
  readonly drainSec: number;
}

const queues = ["busy", "default"];
/** With so many pending, more would only wait. */
const fullest = 1_000;

/**
 * A history: producers over TCP and through a gateway, workers in processes of their own, each on a way to Redis of its own; something
 * happens; a drain. The history is written to `history.jsonl`.
 */
export async function liveThrough(
  lab: Lab,
  { redis, random, tasks, perSec, crew: counts, afflict, explains }: LiveOptions,
): Promise<Lived> {
  const startMs = performance.now();
  const { admin, server, via } = redis;
  const token = lab.canaries["gateway-token"];
  const toRedis = await tcpFaults(server, { keep: false });
  const gateway = await startGateway({ redis: redis.url, tokens: [token], port: 0 });
  const toGateway = await httpFaults(gateway.url);
  const connection = new Redis(ioredisSettings(parseRedisUri(via(toRedis.port))).options).on("error", lab.note);
  const crew = new Crew(lab, redis, queues);
  const faults: Fault[] = [];
  try {
    await crew.hire(redis, counts);
    const enqueuedAll = new AbortController();
    const target = { crew, redis, queues, toRedis, toGateway, random, note: (fault: Fault) => void faults.push(fault) };
    const afflicted = afflict(target, enqueuedAll.signal);
    const enqueued = await produce({
      producers: [
        { name: "tcp", client: new Client({ redis: ioredisPort(connection, { managed: true }) }) },
        { name: "edge", client: new Client({ url: toGateway.url, token }) },
      ],
      tooFull: () =>
        whatIsLeft(admin, queues).then(
          ({ pending }) => pending > fullest,
          () => true,
        ),
      ...{ queues, tasks, perSec, random, note: lab.note, payload: lab.payload, canaries: lab.canaries },
    });
    enqueuedAll.abort();
    await afflicted;
    const drainMs = performance.now();
    await drain(admin, queues);
    const drainSec = Math.round((performance.now() - drainMs) / 1000);
    await crew.dismiss();

    const events = crew.events();
    const whole = [...enqueued, ...faults.map((fault) => ({ ...fault, atMs: fault.fromMs })), ...events].sort((a, b) => a.atMs - b.atMs);
    writeFileSync(path.join(lab.dir, "history.jsonl"), whole.map((event) => `${JSON.stringify(event)}\n`).join(""));
    const runs = runsOf(events);
    const askedAtMs = new Map(enqueued.flatMap(({ event, queue, id, atMs }) => (event === "invoke" ? [[`${queue} ${id}`, atMs]] : [])));
    const judged = await judgeTasks(admin, [...askedAtMs.keys()], runs, faults);
    return {
      ...{ enqueued, faults, events, judged, drainSec },
      queue: totalQueue(toHistory(enqueued, runs), judged),
      explained: explainRuns(runs, faults, explains, askedAtMs),
      seconds: Math.round((performance.now() - startMs) / 1000),
    };
  } finally {
    await crew.dismiss();
    connection.disconnect();
    await Promise.all([toRedis.stop(), toGateway.stop(), gateway.close()]);
  }
}

function toHistory(enqueued: readonly EnqueueEvent[], runs: ReadonlyMap<string, readonly Run[]>): HistoryEvent[] {
  const outcomes = { ok: "ok", info: "unknown", fail: "refused" } as const;
  return [
    ...enqueued.flatMap(({ event, queue, id }): HistoryEvent[] =>
      event === "invoke" ? [] : [{ type: "enqueue", id: `${queue} ${id}`, outcome: outcomes[event] }],
    ),
    ...[...runs.values()]
      .flat()
      .flatMap(({ task, startMs, endMs }, i): HistoryEvent[] => [
        { type: "start", id: task, run: String(i), atMs: startMs },
        ...(endMs === undefined ? [] : [{ type: "end" as const, run: String(i), atMs: endMs }]),
      ]),
  ];
}

/** The figures of a history, for the case's line. */
export function figuresOf({
  queue,
  faults,
  explained,
  judged,
  events,
  enqueued,
  seconds,
  drainSec,
}: Lived): Readonly<Record<string, unknown>> {
  return {
    ...{ seconds, drainSec },
    acknowledged: queue.acknowledged,
    refused: countBy(enqueued, ({ event, why }) => (event === "info" || event === "fail" ? `${event} ${why}` : "")),
    recovered: queue.recovered.length,
    faults: countBy(faults, ({ fault }) => fault),
    runs: explained.runs,
    extra: explained.extra,
    overlapping: explained.overlapping,
    kept: judged.kept,
    told: countBy(events, ({ event, why }) => (event === "refused" || event === "unwritten" ? event : event === "lost" ? why! : "")),
  };
}

function countBy<T>(list: readonly T[], nameOf: (one: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of list) if (nameOf(one) !== "") counts[nameOf(one)] = (counts[nameOf(one)] ?? 0) + 1;
  return counts;
}
