import { Task } from "@asynqjs/client-edge";
import { dequeue, type EnqueueOptions, type Payload, settle } from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { seedSevenStates } from "./seven-states.ts";

/** Asynq's counters of a queue: no life is said for them, so that what was recorded long ago can be told again. */
const counters: Readonly<Record<string, readonly [processed: number, failed: number]>> = { default: [32, 1], odd: [8, 3] };

/**
 * What both CLIs are shown, as it was at `baseMs`: in `default` a task in each state, and in quarantine; in `odd` payloads, results, errors and
 * times that are hard to print, one of them due within a minute; `held` is paused and has one task.
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

  await redis.set("asynq:{held}:paused", baseSec);
  const day = new Date(baseMs).toISOString().slice(0, 10);
  for (const [queue, [processed, failures]] of Object.entries(counters)) {
    await redis.set(`asynq:{${queue}}:processed:${day}`, processed);
    await redis.set(`asynq:{${queue}}:failed:${day}`, failures);
    await redis.set(`asynq:{${queue}}:processed`, processed);
    await redis.set(`asynq:{${queue}}:failed`, failures);
  }
}
