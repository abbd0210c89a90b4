import { expect, test } from "../../test/task-test.ts";

test("task run, archive and delete move a task of whatever state that they take", async ({ task, seed, redis }) => {
  await seed();
  const state = (id: string) => redis.hget(`asynq:{default}:t:${id}`, "state");

  for (const id of ["scheduled", "retry", "archived", "completed", "aggregating", "quarantined"])
    expect(await task("run", "-q", "default", "-i", id)).toEqual({ code: 0, out: "task is now pending\n", err: "" });
  expect(await state("retry")).toBe("pending");
  for (const id of ["pending", "retry", "recovered"])
    expect(await task("archive", "-q", "default", "-i", id)).toEqual({ code: 0, out: "task archived\n", err: "" });
  expect(await state("retry")).toBe("archived");
  for (const [verb, id] of [
    ["delete", "retry"],
    ["remove", "scheduled"],
    ["rm", "archived"],
  ] as const)
    expect(await task(verb, "-q", "default", "-i", id)).toEqual({ code: 0, out: "task deleted\n", err: "" });
  expect(await redis.exists("asynq:{default}:t:retry", "asynq:{default}:t:scheduled", "asynq:{default}:t:archived")).toBe(0);
});

test("what is in a state from which it cannot be moved stays as it is, and is said", async ({ task, seed, keyspace }) => {
  await seed();
  const before = await keyspace();

  const refused = async (...args: readonly string[]) => {
    const { code, out, err } = await task(...args, "--queue=default");
    expect(out).toBe("");
    return `${code} ${err}`;
  };
  expect(await refused("run", "--id=pending")).toBe(
    '4 asynqjs: could not run task: cannot run a task that is pending: queue="default" id="pending"\n',
  );
  expect(await refused("archive", "--id=archived")).toMatch(/^4 asynqjs: could not archive task: cannot archive a task that is archived/);
  expect(await refused("delete", "--id=active")).toMatch(
    /^4 asynqjs: could not delete task: cannot delete a task that is active; 'asynqjs task cancel' ends its run/,
  );
  expect(await refused("delete", "--id=none")).toBe('3 asynqjs: could not delete task: task not found: queue="default" id="none"\n');
  expect((await task("run", "-q", "none", "-i", "a")).err).toContain('asynqjs: could not run task: queue not found: queue="none"');
  expect(await keyspace()).toEqual(before);
});

test("task run --json says what was done", async ({ task, seed }) => {
  await seed();

  expect(JSON.parse((await task("run", "-q", "default", "-i", "retry", "--json")).out)).toEqual({
    queue: "default",
    id: "retry",
    done: "task is now pending",
  });
});
