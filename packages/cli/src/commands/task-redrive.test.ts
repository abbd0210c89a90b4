import { decodeTaskMessage } from "@asynqjs/core/wire";
import { expect, test } from "../../test/task-test.ts";

test("task redrive lets what failed and matches begin anew, with all retries and no error", async ({ task, seed, redis }) => {
  await seed();
  const states = () => redis.zunion(2, "asynq:{default}:archived", "asynq:{default}:retry");

  expect(await task("redrive", "-q", "default", "--dry-run")).toEqual({ code: 0, out: "3 tasks would be redriven\n", err: "" });
  expect((await states()).sort()).toEqual(["archived", "recovered", "retry"]);
  expect(await task("redrive", "-q", "default", "-s", "retry", "--error=failed")).toEqual({ code: 0, out: "1 tasks redriven\n", err: "" });
  expect((await states()).sort()).toEqual(["archived", "recovered"]);
  expect(JSON.parse((await task("redrive", "-q", "default", "--json")).out)).toMatchObject({ looked: 2, matched: 2, done: 2, more: false });
  expect(decodeTaskMessage((await redis.hgetBuffer("asynq:{default}:t:retry", "msg"))!, "it")).toMatchObject({
    retried: 0,
    errorMsg: undefined,
  });
});

test("task redrive --id is for one task, and says why it cannot be", async ({ task, seed }) => {
  await seed();

  expect(await task("redrive", "-q", "default", "-i", "archived")).toEqual({ code: 0, out: "1 tasks redriven\n", err: "" });
  expect(await task("redrive", "-q", "default", "-i", "archived")).toEqual({
    code: 4,
    out: "",
    err: 'asynqjs: could not redrive task: cannot redrive a task that is pending: queue="default" id="archived"\n',
  });
  expect((await task("redrive", "-q", "default", "-i", "a", "--dry-run")).err).toContain("--id means one task");
  expect((await task("redrive", "-q", "default", "-s", "pending")).err).toBe("asynqjs: --state: expected archived or retry\n");
  expect((await task("redrive", "-q", "none")).err).toContain('asynqjs: could not redrive tasks: queue not found: queue="none"');
});
