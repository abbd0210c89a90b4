import { manualClock } from "@asynqjs/core/testing";
import { encodeServerInfo, encodeWorkerInfo } from "@asynqjs/core/wire";
import { expect, test } from "../../test/cli-test.ts";

const clock = manualClock(Date.UTC(2040, 0, 2, 3, 4, 5));
const startedAtNs = BigInt(clock.nowMs() - 90_400) * 1_000_000n;

test("server list shows what servers live, by host and process", async ({ cliWith, redis }) => {
  expect(await cliWith({ clock }, "server", "list")).toEqual({ code: 0, out: "No running servers\n", err: "" });
  for (const [host, pid] of [
    ["b", 7],
    ["a", 12],
    ["a", 9],
  ] as const) {
    const server = { host, pid, serverId: `${host}${pid}` };
    const key = `{${host}:${pid}:${server.serverId}}`;
    const queues = { low: 1, mail: 1, critical: 6 };
    const info = encodeServerInfo({
      ...server,
      concurrency: 10,
      queues,
      strictPriority: false,
      status: "active",
      startedAtNs,
      activeWorkerCount: 1,
    });
    await redis.set(`asynq:servers:${key}`, Buffer.from(info));
    await redis.zadd("asynq:servers", clock.nowMs() / 1000 + 5, `asynq:servers:${key}`);
    if (pid !== 12) continue;
    const task = {
      taskId: "t",
      taskType: "mail:send",
      taskPayload: new TextEncoder().encode("hi"),
      queue: "mail",
      startedAtNs,
      deadlineNs: startedAtNs,
    };
    await redis.hset(`asynq:workers:${key}`, "t", Buffer.from(encodeWorkerInfo({ ...server, ...task })));
    await redis.zadd("asynq:workers", clock.nowMs() / 1000 + 5, `asynq:workers:${key}`);
  }

  expect((await cliWith({ clock }, "server", "ls")).out).toBe(
    [
      "Host  PID  State   Active Workers  Queues                   Started    ",
      "----  ---  -----   --------------  ------                   -------    ",
      "a     9    active  0/10            critical:6 low:1 mail:1  1m30s ago  ",
      "a     12   active  1/10            critical:6 low:1 mail:1  1m30s ago  ",
      "b     7    active  0/10            critical:6 low:1 mail:1  1m30s ago  ",
      "",
    ].join("\n"),
  );
  const [, busy] = JSON.parse((await cliWith({ clock }, "server", "ls", "--json")).out);
  expect(busy).toMatchObject({ host: "a", pid: 12, status: "active", activeWorkers: [{ taskId: "t", taskPayload: "hi" }] });
});
