import { expect, test } from "../../test/task-test.ts";

const both = ["--queue=default", "--state=retry"];

test("runall, archiveall and deleteall act on all of a state, and say how many", async ({ task, seed, redis }) => {
  await seed();

  expect(await task("runall", ...both)).toEqual({ code: 0, out: "2 tasks are now pending\n", err: "" });
  expect(await task("archiveall", "-q", "default", "-s", "pending", "--yes")).toEqual({ code: 0, out: "3 tasks archived\n", err: "" });
  expect(await task("deleteall", "-q", "default", "-s", "archived", "-y")).toEqual({ code: 0, out: "4 tasks deleted\n", err: "" });
  expect(await task("deleteall", "-q", "default", "-s", "aggregating", "-g", "g", "-y")).toMatchObject({ out: "1 tasks deleted\n" });
  expect(await task("deleteall", "-q", "default", "-s", "archived")).toEqual({ code: 0, out: "0 tasks deleted\n", err: "" });
  expect(await redis.zcard("asynq:{default}:archived")).toBe(0);
});

test("deleteall and archiveall ask first and say of how many, and where nobody can answer they do nothing", async ({
  task,
  cliWith,
  seed,
  clock,
  keyspace,
}) => {
  await seed();
  const before = await keyspace();

  expect(await task("deleteall", ...both)).toMatchObject({
    code: 7,
    out: "",
    err: expect.stringContaining('Delete all 2 retry tasks of queue "default"?'),
  });
  const refused = await cliWith({ clock, answer: "n" }, "task", "archiveall", "-q", "default", "-s", "aggregating", "-g", "g");
  expect(refused).toMatchObject({
    code: 7,
    err: expect.stringContaining('Archive all 1 aggregating tasks of queue "default", group "g"? [y/N]'),
  });
  expect(await keyspace()).toEqual(before);
  expect(await cliWith({ clock, answer: "yes" }, "task", "deleteall", ...both)).toMatchObject({ code: 0, out: "2 tasks deleted\n" });
});

test("only what matches is meant where filters are said, and a dry run changes nothing", async ({ task, seed, keyspace, redis }) => {
  await seed();
  const before = await keyspace();

  expect((await task("deleteall", ...both, "--dry-run")).out).toBe("2 tasks would be deleted\n");
  expect((await task("deleteall", ...both, "--error=FAIL", "--dry-run")).out).toBe("1 tasks would be deleted\n");
  expect(JSON.parse((await task("runall", ...both, "--type=sms:*", "--dry-run", "--json")).out)).toMatchObject({
    looked: 2,
    matched: 0,
    done: 0,
  });
  expect(await keyspace()).toEqual(before);
  expect((await task("deleteall", ...both, "--error=fail")).err).toContain('Delete the retry tasks of queue "default" that match?');
  expect((await task("deleteall", ...both, "--error=fail", "--yes")).out).toBe("1 tasks deleted\n");
  expect(await redis.zrange("asynq:{default}:retry", "0", "-1")).toEqual(["recovered"]);
});

test("what cannot be used is refused before anything is changed", async ({ task, seed }) => {
  await seed();

  const refused = async (...args: readonly string[]) => {
    const { code, out, err } = await task(...args);
    expect(out).toBe("");
    return `${code} ${err}`;
  };
  expect(await refused("runall", "-q", "default", "-s", "pending")).toBe('2 asynqjs: unsupported state "pending"\n');
  expect(await refused("archiveall", "-q", "default", "-s", "aggregating")).toBe(
    "2 asynqjs: flag --group is required for aggregating tasks\n",
  );
  expect(await refused("deleteall", "-q", "none", "-s", "retry", "-y")).toContain('3 asynqjs: queue not found: queue="none"');
  expect(await refused("runall", "-q", "default", "-s", "retry", "--where=x")).toMatch(
    /^2 .*Expected a field and its value, such as user.id=7;/,
  );
});

test("told to stop it ends after the batch that is under way, says how far it came, and is not done", async ({
  cliWith,
  clock,
  add,
  redis,
}) => {
  for (let nth = 0; nth < 250; nth++) await add({ taskId: `t${nth}`, processInSec: 60 });
  const stop = new AbortController();
  // Each batch asks what time it is.
  let asked = 0;
  const stopping = {
    ...clock,
    nowMs() {
      if (++asked === 2) stop.abort();
      return clock.nowMs();
    },
  };

  const { code, out, err } = await cliWith({ clock: stopping, signal: stop.signal }, "task", "runall", "-q", "default", "-s", "scheduled");

  expect({ code, err }).toEqual({ code: 130, err: "stopped before it was through; called again it goes on\n" });
  expect(out).toBe(`${await redis.llen("asynq:{default}:pending")} tasks are now pending\n`);
  expect(await redis.zcard("asynq:{default}:scheduled")).toBeGreaterThan(0);
});

test("what else became of them is said on stderr, and how far it is where that is a terminal", async ({
  task,
  cliWith,
  clock,
  seed,
  redis,
}) => {
  await seed();
  await redis.zadd("asynq:{default}:retry", 1, "ghost");
  await redis.hset("asynq:{default}:t:recovered", "msg", "\xff\xff");

  expect(await task("runall", ...both, "--type=*")).toEqual({
    code: 0,
    out: "1 tasks are now pending\n",
    err: "2 tasks cannot be read, and none of them was meant\n",
  });
  const shown = await cliWith({ clock, isTTY: true }, "task", "runall", ...both);
  expect(shown.out).toBe("1 tasks are now pending\n");
  expect(shown.err).toContain("runall [########################] 2/2");
  expect(shown.err).toContain("1 ids without a task there were dropped\n");
});
