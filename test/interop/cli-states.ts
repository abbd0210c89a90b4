import { Task } from "@asynqjs/client-edge";
import {
  type Broker,
  dequeue,
  type EnqueueOptions,
  type Payload,
  recordSchedulerEnqueueEvent,
  settle,
  writeSchedulerEntries,
  writeServerState,
} from "@asynqjs/core";
import {
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeServerInfo,
  encodeWorkerInfo,
  goZeroTimeNs,
  patchTaskMessage,
} from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { seedSevenStates } from "./seven-states.ts";

/** Asynq's counters of a queue: no life is said for them, so that what was recorded long ago can be told again. */
const counters: Readonly<Record<string, readonly [processed: number, failed: number]>> = { default: [32, 1], odd: [8, 3] };

/**
 * What both CLIs are shown, as it was at `baseMs`: in `default` a task in each state, and in quarantine; in `odd` payloads, results, errors and
 * times that are hard to print, one of them due within a minute; `held` is paused and has one task. Two servers live, and a scheduler with three
 * entries.
 */
export async function seedForCli(redis: Redis, baseMs: number): Promise<void> {
  const { broker, enqueue, clock } = await seedSevenStates(redis, baseMs);
  const baseSec = Math.floor(baseMs / 1000);
  const add = (id: string, payload: Payload | undefined, options: EnqueueOptions = {}): Promise<void> =>
    enqueue(new Task("report:make", payload), { queue: "odd", taskId: id, ...options });

  const failed = [
    ["archived-lines", "archived", "one line\n\tand another", 3],
    ["archived-wide", "archived", "nicht möglich: 日本語 👍🏽", 25],
    ["retry-blank", "retry", " ", 1],
    ["retry-long", "retry", "x".repeat(300), 12],
    ["completed-text", "completed", "", 0],
    ["completed-bytes", "completed", "", 0],
  ] as const;
  for (const [id, to, errorMsg, retried] of failed) {
    await add(id, `for ${id}`, { retentionSec: 7200 });
    const [task] = (await dequeue(broker, ["odd"], 1)).tasks;
    const settled = { queue: "odd", id, fence: { token: task!.token } };
    const msg = patchTaskMessage(task!.msg, {
      retried,
      ...(to === "completed" ? { completedAtSec: baseSec } : { errorMsg, lastFailedAtSec: baseSec - 86_400 * retried }),
    });
    if (to === "archived") await settle(broker, [{ ...settled, to, msg }]);
    if (to === "retry") await settle(broker, [{ ...settled, to, msg, retryAtSec: baseSec + 7 * retried * retried, isFailure: true }]);
    if (to === "completed") await settle(broker, [{ ...settled, to, msg, expireAtSec: baseSec + 7200 }]);
    // One after the other, also where what orders them is the second.
    await clock.advance(1000);
  }
  await redis.hset("asynq:{odd}:t:completed-text", "result", "3 sent");
  await redis.hset("asynq:{odd}:t:completed-bytes", "result", Buffer.of(0, 255));

  const payloads: readonly (readonly [id: string, payload: Payload | undefined, processInSec: number])[] = [
    ["due", "text with  spaces", 20],
    ["bytes", Uint8Array.of(255, 254), 3600],
    ["empty", undefined, 7261],
    ["wide", "日本語 👍🏽", 93_784],
    ["lines", "one\ntwo", 180],
    ["blank", "   ", 181],
    ["no-break", "a\u00a0b", 182],
    ["json", { user: { id: 7 }, name: '"<&>"' }, 2_592_000],
  ];
  for (const [id, payload, processInSec] of payloads) await add(id, payload, { processInSec });
  for (const id of ["first", "second", "third", "a-much-longer-id-than-the-others"]) await add(id, `for ${id}`);
  await add("later", "of a group", { group: "with space" });
  await enqueue(new Task("report:make", "held up"), { queue: "held", taskId: "held" });

  await tellOfProcesses(broker, baseMs);
  await redis.set("asynq:{held}:paused", baseSec);
  const day = new Date(baseMs).toISOString().slice(0, 10);
  for (const [queue, [processed, failures]] of Object.entries(counters)) {
    await redis.set(`asynq:{${queue}}:processed:${day}`, processed);
    await redis.set(`asynq:{${queue}}:failed:${day}`, failures);
    await redis.set(`asynq:{${queue}}:processed`, processed);
    await redis.set(`asynq:{${queue}}:failed`, failures);
  }
}

/** They live for a day. */
async function tellOfProcesses(broker: Broker, baseMs: number): Promise<void> {
  const life = { nowSec: Math.floor(baseMs / 1000), ttlSec: 86_400 };
  const atNs = (agoSec: number): bigint => BigInt(baseMs - agoSec * 1000) * 1_000_000n;
  for (const [host, pid, status, queues, startedSec] of [
    ["worker-b", 7, "active", { low: 1, critical: 6, default: 3, also: 3 }, 93_784],
    ["worker-a", 42, "stopped", { default: 1 }, 59],
    ["worker-a", 8, "active", { default: 1 }, 3600],
  ] as const) {
    const server = { host, pid, serverId: `${host}-${pid}` };
    const started = { startedAtNs: atNs(startedSec) };
    const active = pid === 8 ? ["active"] : [];
    const info = encodeServerInfo({
      ...server,
      ...started,
      concurrency: 10,
      queues,
      strictPriority: false,
      status,
      activeWorkerCount: active.length,
    });
    const workers = active.map((taskId) => ({
      taskId,
      info: encodeWorkerInfo({ ...server, ...started, taskId, taskType: "email:send", queue: "default", deadlineNs: atNs(-1800) }),
    }));
    await writeServerState(broker, { ...server, info, workers }, life);
  }

  const entry = { taskType: "report:make", taskPayload: Buffer.from("a report"), enqueueOptions: ['Queue("odd")', "MaxRetry(3)"] };
  await writeSchedulerEntries(
    broker,
    "scheduler",
    [
      encodeSchedulerEntry({ ...entry, id: "hourly", spec: "@hourly", nextEnqueueAtNs: atNs(-3600), prevEnqueueAtNs: atNs(0) }),
      encodeSchedulerEntry({ ...entry, id: "overdue", spec: "0 5 * * *", nextEnqueueAtNs: atNs(1), prevEnqueueAtNs: atNs(86_401) }),
      encodeSchedulerEntry({
        ...{ id: "never", spec: "@every 90s", taskType: "sweep", taskPayload: undefined, enqueueOptions: [] },
        ...{ nextEnqueueAtNs: atNs(-1500), prevEnqueueAtNs: goZeroTimeNs },
      }),
    ],
    life.ttlSec,
  );
  for (const [nth, enqueuedAtNs] of [atNs(7200), atNs(3600) + 120_000_000n, atNs(0)].entries()) {
    const event = encodeSchedulerEnqueueEvent({ taskId: `task-${nth}`, enqueuedAtNs });
    await recordSchedulerEnqueueEvent(broker, "hourly", { atSec: Number(enqueuedAtNs / 1_000_000_000n), event });
  }
}
