import { expect, test } from "../../test/task-test.ts";

test("task inspect tells of a task, when it is next, and how it failed", async ({ task, seed }) => {
  await seed();

  expect(await task("inspect", "-q", "default", "-i", "retry")).toEqual({
    code: 0,
    err: "",
    out: [
      "Task Info",
      "Queue:   default",
      "ID:      retry",
      "Type:    email:send",
      "State:   retry",
      "Retried: 1/25",
      "",
      "Next process time: Mon Jan  2 03:05:05 UTC 2040 (in 1m0s)",
      "",
      "Last Failure",
      "Failed at:     Mon Jan  2 03:04:05 UTC 2040",
      "Error message: failed",
      "",
    ].join("\n"),
  });
});

test("task inspect says now of what is due, and n/a of what is not to be processed", async ({ task, seed, clock }) => {
  await seed();
  clock.jump(61_000);

  const next = async (id: string) => /^Next process time: (.*)$/m.exec((await task("inspect", "--queue=default", `--id=${id}`)).out)![1];
  expect([await next("pending"), await next("scheduled"), await next("active"), await next("archived")]).toEqual([
    "now",
    "now",
    "n/a",
    "n/a",
  ]);
  expect((await task("inspect", "-q", "default", "-i", "quarantined")).out).toContain("State:   js:quarantine\n");
});

test("task inspect --json holds payload and result too", async ({ task, add, redis }) => {
  await add({ taskId: "a", payload: "to a" });
  await redis.hset("asynq:{default}:t:a", "result", "sent");

  expect(JSON.parse((await task("inspect", "-q", "default", "-i", "a", "--json")).out)).toMatchObject({
    id: "a",
    state: "pending",
    payload: "to a",
    result: "sent",
  });
});

test("task inspect says that there is no such queue, or task", async ({ task, add }) => {
  await add();

  expect(await task("inspect", "-q", "none", "-i", "a")).toEqual({
    code: 3,
    out: "",
    err: expect.stringContaining('asynqjs: could not get task info: queue not found: queue="none"'),
  });
  expect((await task("inspect", "-q", "default", "-i", "a")).err).toBe(
    'asynqjs: could not get task info: task not found: queue="default" id="a"\n',
  );
});
