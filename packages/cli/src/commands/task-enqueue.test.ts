import { decodeTaskMessage } from "@asynqjs/core/wire";
import { runCli } from "../../test/cli-test.ts";
import { expect, test } from "../../test/task-test.ts";

test("task enqueue stores what its flags say, and no more than is said", async ({ task, redis, clock }) => {
  const said = ["--retry=3", "--id=b", "--timeout=1m40s", "--deadline=2041-12-14T01:23:45Z", "--retention=5h", "--group=bay"];
  expect(await task("enqueue", "-t", "foo", "-l", "bar", "--id", "a")).toEqual({
    code: 0,
    out: "Enqueued task a to queue default\n",
    err: "",
  });
  await task("enqueue", "--type_name=foo", "--payload=bar", "--queue=baz", "--unique=100s", "--process_at=2040-01-02T05:00:00Z", ...said);

  const stored = async (key: string) => decodeTaskMessage((await redis.hgetBuffer(key, "msg"))!, "it");
  expect(await stored("asynq:{default}:t:a")).toMatchObject({ type: "foo", id: "a", retry: 25, timeoutSec: 1800 });
  expect(await stored("asynq:{baz}:t:b")).toMatchObject({
    type: "foo",
    payload: Uint8Array.from(Buffer.from("bar")),
    queue: "baz",
    retry: 3,
    timeoutSec: 100,
    deadlineSec: Date.UTC(2041, 11, 14, 1, 23, 45) / 1000,
    retentionSec: 18_000,
    groupKey: "bay",
    uniqueKey: expect.stringContaining("asynq:{baz}:unique:foo:"),
  });
  expect(await redis.zscore("asynq:{baz}:scheduled", "b")).toBe(String(Date.UTC(2040, 0, 2, 5) / 1000));
  await task("enqueue", "-t", "foo", "-l", "", "--id=c", "--process_at=2040-01-02T05:00:00Z", "--process_in=90s");
  expect(await redis.zscore("asynq:{default}:scheduled", "c")).toBe(String(clock.nowMs() / 1000 + 90));
});

test("task enqueue --json answers the task as it stands in Redis", async ({ task }) => {
  expect(JSON.parse((await task("enqueue", "-t", "foo", "-l", "bar", "--id=a", "--json")).out)).toMatchObject({
    id: "a",
    queue: "default",
    state: "pending",
    payload: "bar",
  });
});

test("task enqueue says that the id is taken, or the task not the first of its kind, and enqueues nothing", async ({ task, keyspace }) => {
  await task("enqueue", "-t", "foo", "-l", "bar", "--id=a", "--unique=1h");
  const before = await keyspace();

  expect(await task("enqueue", "-t", "foo", "-l", "other", "--id=a")).toEqual({
    code: 4,
    out: "",
    err: 'asynqjs: could not enqueue task: task ID conflicts with another task: queue="default" id="a"\n',
  });
  expect(await task("enqueue", "-t", "foo", "-l", "bar", "--unique=1h")).toEqual({
    code: 4,
    out: "",
    err: 'asynqjs: could not enqueue task: task already exists: queue="default" type="foo"\n',
  });
  expect(await keyspace()).toEqual(before);
});

test("task enqueue names the flag that it cannot use, before it connects to anything", async () => {
  const refused = async (...flags: readonly string[]) => {
    const { code, out, err } = await runCli(["task", "enqueue", "-t", "foo", "-l", "bar", ...flags, "--uri=127.0.0.1:1"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    return err;
  };
  expect(await refused("--unique=1ms")).toMatch(/^asynqjs: could not enqueue task: --unique: expected a number from 1/);
  expect(await refused("--queue=")).toBe("asynqjs: could not enqueue task: --queue: queue name must contain one or more characters\n");
  expect(await refused("--id=")).toMatch(/^asynqjs: could not enqueue task: --id: /);
  expect(await refused("--group=")).toMatch(/^asynqjs: could not enqueue task: --group: /);
  expect(await refused("--timeout=soon")).toMatch(/'--timeout <duration>'.*time: invalid duration "soon"; see/);
  expect(await refused("--deadline=tomorrow")).toMatch(/'--deadline <time>'.*Expected a time such as 2024-12-14T01:23:45Z; see/);
  expect(await refused("--retry=many")).toMatch(/'--retry <number>'.*Expected a whole number/);
});
