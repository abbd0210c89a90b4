import { expect, test } from "../../test/task-test.ts";

const listed = (out: string): string[] => out.split("\n").map((line) => line.trimEnd());

test("task list shows of each state its tasks in the columns of Asynq's", async ({ task, seed }) => {
  await seed();

  const tables = {
    active: ["ID      Type        Payload", "--      ----        -------", "active  email:send  active"],
    pending: ["ID       Type        Payload", "--       ----        -------", "pending  email:send  non-printable bytes"],
    scheduled: [
      "ID             Type        Payload              Process In",
      "--             ----        -------              ----------",
      "grouped-later  email:send  non-printable bytes  in 1m0s",
      "scheduled      email:send  non-printable bytes  in 1m0s",
    ],
    retry: [
      "ID         Type        Payload    Next Retry  Last Error  Last Failed                   Retried  Max Retry",
      "--         ----        -------    ----------  ----------  -----------                   -------  ---------",
      "recovered  email:send  recovered  in 1m0s                                               0        25",
      "retry      email:send  retry      in 1m0s     failed      Mon Jan  2 03:04:05 UTC 2040  1        25",
    ],
    archived: [
      "ID        Type        Payload   Last Failed                   Last Error",
      "--        ----        -------   -----------                   ----------",
      "archived  email:send  archived  Mon Jan  2 03:04:05 UTC 2040  failed",
    ],
    completed: [
      "ID         Type        Payload    CompletedAt  Result",
      "--         ----        -------    -----------  ------",
      "completed  email:send  completed               non-printable bytes",
    ],
  };
  for (const [state, lines] of Object.entries(tables)) {
    const { code, out, err } = await task("list", "--queue=default", `--state=${state}`);
    expect({ code, lines: listed(out), err }).toEqual({ code: 0, lines: [...lines, ""], err: "" });
  }
  const group = await task("ls", "-q", "default", "-s", "aggregating", "-g", "g");
  expect(listed(group.out).slice(2)).toEqual(["aggregating  email:send  non-printable bytes  g", ""]);
});

test("task list says that there are none, and goes by pages", async ({ task, add }) => {
  for (const taskId of ["a", "b", "c"]) await add({ taskId });

  expect((await task("ls", "-q", "default", "-s", "retry")).out).toBe('No retry tasks in "default" queue\n');
  expect((await task("ls", "-q", "default", "-s", "aggregating", "-g", 'x"y')).out).toBe('No aggregating tasks in group "x\\"y" \n');
  expect(listed((await task("ls", "-q", "default", "-s", "pending", "--page=2", "--size=2")).out).slice(2)).toEqual([
    "c   email:send  non-printable bytes",
    "",
  ]);
});

test("task list --json holds all there is to say of each task", async ({ task, add }) => {
  await add({ taskId: "a", payload: { user: 7 }, processInSec: 60 });
  await add({ taskId: "b", payload: Uint8Array.of(255), processInSec: 61 });

  const { out } = await task("ls", "-q", "default", "-s", "scheduled", "--json");

  const { tasks, unreadable } = JSON.parse(out);
  expect(unreadable).toEqual([]);
  expect(tasks).toEqual([
    {
      id: "a",
      queue: "default",
      type: "email:send",
      payload: '{"user":7}',
      headers: {},
      state: "scheduled",
      maxRetry: 25,
      retried: 0,
      timeoutSec: 1800,
      deadline: null,
      group: null,
      retentionSec: 0,
      nextProcessAt: "2040-01-02T03:05:05.000Z",
      lastErr: null,
      lastFailedAt: null,
      completedAt: null,
      result: null,
      isOrphaned: false,
    },
    expect.objectContaining({ id: "b", payload: { base64: "/w==" } }),
  ]);
});

test("task list names what it cannot show", async ({ task, add, redis }) => {
  await add({ taskId: "a" });
  await redis.hset("asynq:{default}:t:a", "msg", "\xff\xff");

  expect(await task("ls", "-q", "default", "-s", "pending")).toEqual({
    code: 0,
    out: 'No pending tasks in "default" queue\n',
    err: expect.stringMatching(/^task "a" cannot be shown: cannot decode .*\n$/),
  });
});

test("task list refuses what it cannot list, by one line that says what", async ({ task, add }) => {
  await add();

  const refused = async (...args: readonly string[]) => {
    const { code, out, err } = await task("list", ...args);
    expect(out).toBe("");
    return `${code} ${err}`;
  };
  expect(await refused("-q", "default", "-s", "toString")).toBe('2 asynqjs: state="toString" is not supported\n');
  expect(await refused("-q", "default", "-s", "aggregating")).toBe("2 asynqjs: flag --group is required for listing aggregating tasks\n");
  expect(await refused("-q", "none", "-s", "pending")).toContain('3 asynqjs: queue not found: queue="none"');
  expect(await refused("-q", "default", "-s", "pending", "--size=0")).toMatch(
    /^2 .*'--size <number>'.* Expected a whole number from 1 to 1000;/,
  );
  expect(await refused("-q", "default", "-s", "pending", "--page=x")).toMatch(/^2 .*'--page <number>'.*whole number of at least 1;/);
  expect(await refused("-s", "pending")).toMatch(/^2 .*'-q, --queue <name>' not specified/);
  expect(await refused("-q", "default")).toMatch(/^2 .*'-s, --state <state>' not specified/);
});

test("task list lets no type act on a terminal, and prints it as it is where there is none", async ({ cliWith, clock, add, task }) => {
  await add({ taskId: "a", type: "red\x1b[2J\x1b]0;title\x07" });
  const list = ["list", "-q", "default", "-s", "pending"];

  const shown = await cliWith({ clock, isTTY: true }, "task", ...list);
  expect(shown.out).toContain("red\\e[2J\\e]0;title\\x07");
  expect(shown.out).not.toContain("\x1b");
  expect((await task(...list)).out).toContain("red\x1b[2J\x1b]0;title\x07");
  const missing = await cliWith({ clock, isTTY: true }, "task", "inspect", "-q", "default", "-i", "\x1b[2J");
  expect({ code: missing.code, err: missing.err }).toEqual({ code: 3, err: expect.not.stringContaining("\x1b") });
});
