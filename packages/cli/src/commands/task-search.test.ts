import { useOwnRedis } from "../../../../test/support/redis-test.ts";
import { expect, test } from "../../test/task-test.ts";

useOwnRedis();

const ids = (out: string): string[] =>
  out
    .trimEnd()
    .split("\n")
    .slice(2)
    .map((row) => row.split(/\s/)[0]!);

test("task search finds tasks of all queues by id, type, error and field of the payload", async ({ task, seed, add }) => {
  await seed();
  await add({ taskId: "x1", queue: "low", type: "sms:send", payload: { user: { id: 7 } } });
  await add({ taskId: "x2", queue: "low", type: "sms:get", payload: { user: { id: "7" } } });
  const found = async (...flags: readonly string[]) => ids((await task("search", ...flags)).out).sort();

  expect(await found("--type=sms:*")).toEqual(["x1", "x2"]);
  expect(await found("--where=user.id=7")).toEqual(["x1"]);
  expect(await found('--where=user.id="7"')).toEqual(["x2"]);
  expect(await found("--error=FAILED", "--queue=default")).toEqual(["archived", "completed", "retry"]);
  expect(await found("--id=x")).toEqual(["x1", "x2"]);
  expect(await found("--state=retry")).toEqual(["recovered", "retry"]);
  expect((await task("search", "--id=x1")).out).toBe(
    [
      "ID  Queue  Type      State    Payload            Last Error  ",
      "--  -----  ----      -----    -------            ----------  ",
      'x1  low    sms:send  pending  {"user":{"id":7}}              ',
      "",
    ].join("\n"),
  );
});

test("task search ends when it may cost no more, and says that it is incomplete", async ({ task, add }) => {
  for (let nth = 0; nth < 300; nth++) await add({ taskId: `t${nth}` });
  await add({ taskId: "other", queue: "low" });

  expect(await task("search", "--id=none", "--max-looked=250")).toEqual({
    code: 0,
    out: "No tasks found; looked at 250\n",
    err: "incomplete: looked at 250 tasks and found 0; --max-looked and --limit let it look further\n",
  });
  const { out, err } = await task("search", "--type=email:send", "--limit=2");
  expect(ids(out)).toHaveLength(2);
  expect(err).toContain("incomplete: ");
  expect(JSON.parse((await task("search", "--id=none", "--json")).out)).toEqual({
    tasks: [],
    looked: 301,
    unreadable: 0,
    incomplete: false,
  });
});

test("task search asks of many queues how they stand, and looks only where there are tasks", async ({ task, add, redis }) => {
  await redis.sadd("asynq:queues", ...Array.from({ length: 100 }, (_, nth) => `empty-${nth}`));
  await add({ taskId: "one" });
  await redis.config("RESETSTAT");

  expect(ids((await task("search", "--type=email:*")).out)).toEqual(["one"]);

  const [, calls] = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info("commandstats"))!;
  expect(Number(calls)).toBeLessThan(300);
});

test("task search looks into the others beside a queue that cannot be read, and names it", async ({ task, add, redis }) => {
  await add({ taskId: "one", queue: "low" });
  await redis.sadd("asynq:queues", "broken");
  await redis.set("asynq:{broken}:pending", "no list");

  const { code, out, err } = await task("search", "--type=email:*");

  expect({ code, ids: ids(out) }).toEqual({ code: 1, ids: ["one"] });
  expect(err).toMatch(/^asynqjs: could not search queue "broken": redis refused: WRONGTYPE [^\n]*\n$/);
});

test("task search refuses what it cannot look for", async ({ task, add }) => {
  await add();

  expect(await task("search", "--state=gone")).toMatchObject({
    code: 2,
    err: expect.stringContaining("--state: expected one of active, retry"),
  });
  expect((await task("search", "--queue=none")).err).toContain('asynqjs: could not search tasks: queue not found: queue="none"');
});
