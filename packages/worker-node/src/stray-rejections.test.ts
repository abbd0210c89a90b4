import { spawn } from "node:child_process";
import path from "node:path";
import { describe, expect, test } from "../../../test/support/server-test.ts";

/** A process with a server for tasks `a` and `b`, one at a time; it ends well, and tells its metrics, when `b` is done. */
const program = `
  import { Server } from "@asynqjs/worker-node";
  const [, redisUrl, handlerA, options] = process.argv;
  const log = (message, details = {}) => console.error(message, JSON.stringify(details));
  const server = new Server(redisUrl, { concurrency: 1, logger: { debug() {}, info() {}, warn: log, error: log }, ...JSON.parse(options) });
  const leaveBehind = {
    atOnce() { Promise.reject(new Error("stray")); },
    async inAnAsyncFunction() { void (async () => { await null; throw null; })(); await new Promise((resolve) => setTimeout(resolve, 1)); },
    whenTheRunIsOver() { setTimeout(() => Promise.reject(new Error("stray")), 1); },
  };
  let done;
  const isDone = new Promise((resolve) => { done = resolve; });
  await server.start(async (task) => {
    if (task.id === "a") return leaveBehind[handlerA]?.();
    while (server.metrics().strayRejections === 0 && handlerA in leaveBehind) await new Promise((resolve) => setTimeout(resolve, 1));
    done();
  });
  await isDone;
  if (handlerA === "elsewhere") { Promise.reject(new Error("not a handler's")); await new Promise((resolve) => setTimeout(resolve, 1)); }
  const { strayRejections } = server.metrics();
  await server.shutdown();
  console.log(JSON.stringify({ strayRejections, done: server.metrics().done, listeners: process.listenerCount("unhandledRejection") }));
`;

async function run(redisUrl: string, handlerA: string, options: object): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, redisUrl, handlerA, JSON.stringify(options)], {
    cwd: path.join(import.meta.dirname, ".."),
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  const [out, err] = [child.stdout, child.stderr].map(async (stream) => (await stream.toArray()).join(""));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out: await out!, err: await err! };
}

describe("a promise that a handler left behind and that rejects", () => {
  test("ends the process, as Node has it; the task is still active, to be taken back", async ({ seed, redisUrl, redis }) => {
    await seed({ taskId: "a" }, { taskId: "b" });

    const { code, err } = await run(redisUrl, "atOnce", {});

    expect(code).toBe(1);
    expect(err).toContain("Error: stray");
    expect(await redis.lrange("asynq:{default}:active", "0", "-1")).toEqual(["a"]);
    expect(await redis.lrange("asynq:{default}:pending", "0", "-1")).toEqual(["b"]);
  });

  test.for([
    ["atOnce", "stray"],
    ["inAnAsyncFunction", "handler threw null"],
    ["whenTheRunIsOver", "stray"],
  ] as const)(
    "is logged with its task and counted where the server is to catch it: %s",
    async ([how, error], { seed, redisUrl, redis }) => {
      await seed({ taskId: "a" }, { taskId: "b" });

      const { code, out, err } = await run(redisUrl, how, { catchStrayRejections: true });

      expect(err).toContain(`a promise that the handler left behind was rejected ${JSON.stringify({ queue: "default", id: "a", error })}`);
      expect({ code, metrics: JSON.parse(out) }).toEqual({ code: 0, metrics: { strayRejections: 1, done: 2, listeners: 0 } });
      expect(await redis.exists("asynq:{default}:active", "asynq:{default}:retry")).toBe(0);
    },
  );

  test("still ends the process when it is no handler's", async ({ seed, redisUrl }) => {
    await seed({ taskId: "a" }, { taskId: "b" });

    const { code, err } = await run(redisUrl, "elsewhere", { catchStrayRejections: true });

    expect(code).toBe(1);
    expect(err).toContain("not a handler's");
  });
});
