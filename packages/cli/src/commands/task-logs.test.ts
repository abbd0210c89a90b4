import { settle, writeLog } from "@asynqjs/core";
import { patchTaskMessage } from "@asynqjs/core/wire";
import { expect, test } from "../../test/task-test.ts";

test("task logs prints what a task's runs logged, and its result", async ({ task, seed, broker, clock, redis }) => {
  const active = await seed();
  await writeLog(broker, active, [
    { message: "begun", atMs: clock.nowMs() },
    { message: "half done", atMs: clock.nowMs() + 500 },
  ]);
  await redis.hset("asynq:{default}:t:active", "result", "sent");

  expect(await task("logs", "-q", "default", "-i", "active")).toEqual({
    code: 0,
    out: "2040-01-02T03:04:05.000Z  begun\n2040-01-02T03:04:05.500Z  half done\nResult: sent\n",
    err: "task is active\n",
  });
  expect(
    (await task("logs", "-q", "default", "-i", "active", "--json")).out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { at: "2040-01-02T03:04:05.000Z", message: "begun" },
    { at: "2040-01-02T03:04:05.500Z", message: "half done" },
    { state: "active", lastErr: null, result: "sent" },
  ]);
  expect((await task("logs", "-q", "default", "-i", "none")).err).toBe(
    'asynqjs: could not get task logs: task not found: queue="default" id="none"\n',
  );
});

test("task logs --follow shows each line once, until the task has ended", async ({ task, seed, broker, clock }) => {
  const active = await seed();
  const log = (message: string) => writeLog(broker, active, [{ message, atMs: clock.nowMs() }]);
  await log("begun");

  const followed = task("logs", "-q", "default", "-i", "active", "--follow");
  await expect.poll(() => clock.nextInMs).toBe(1000);
  await log("half done");
  await clock.advance(1000);
  await expect.poll(() => clock.nextInMs).toBe(1000);
  const to = { queue: "default", id: "active", fence: { token: active.token } };
  await log("through");
  await settle(broker, [{ ...to, to: "completed", msg: patchTaskMessage(active.msg, {}), expireAtSec: clock.nowMs() / 1000 + 60 }]);
  await clock.advance(1000);

  const { code, out, err } = await followed;
  expect({ code, err }).toEqual({ code: 0, err: "task is completed\n" });
  expect(out).toMatch(/^\S+ {2}begun\n\S+ {2}half done\n\S+ {2}through\n$/);
});

test("task logs --follow ends when the task is gone, or when it is told to stop", async ({ task, cliWith, seed, clock, redis }) => {
  await seed();
  const followed = task("logs", "-q", "default", "-i", "active", "-f");
  await expect.poll(() => clock.nextInMs).toBe(1000);
  await redis.del("asynq:{default}:t:active");
  await clock.advance(1000);
  expect(await followed).toEqual({ code: 0, out: "", err: "the task is done and gone\n" });

  const stop = new AbortController();
  const stopped = cliWith({ clock, signal: stop.signal }, "task", "logs", "-q", "default", "-i", "pending", "-f");
  await expect.poll(() => clock.nextInMs).toBe(1000);
  stop.abort();
  expect(await stopped).toEqual({ code: 0, out: "", err: "task is pending\n" });
});
