import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { freePort, startRedis } from "../../../test/support/redis-server.ts";
import { describe, expect, onTestFinished, test } from "../test/cli-test.ts";
import { startTlsFront } from "../test/tls-front.ts";

const bin = fileURLToPath(new URL("bin.ts", import.meta.url));

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  const { PATH = "" } = process.env;
  return spawn(process.execPath, [bin, ...args], { env: { PATH, HOME: "/nonexistent", ...env } });
}

/** What a process came to, which had no terminal and was sent nothing. */
async function ended(child: ChildProcessWithoutNullStreams): Promise<{ code: number | null; out: string; err: string }> {
  child.stdin.end();
  const closed = once(child, "close");
  const [out, err] = await Promise.all([child.stdout, child.stderr].map(async (stream) => (await stream.toArray()).join("")));
  const [code] = await closed;
  return { code, out: out!, err: err! };
}

/** One line that is no stack. */
const oneLine = expect.stringMatching(/^asynqjs: [^\n]+\n$/);

describe("the program as a process", () => {
  test("prints what it is asked for, and ends by itself", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    expect(await ended(start(["queue", "ls", "-u", redisUrl]))).toEqual({ code: 0, out: "mail\n", err: "" });
    expect(await ended(start(["--version"]))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^asynqjs version \d+\.\d+\.\d+\n$/),
      err: "",
    });
  });

  test("says in one line on stderr what is wrong, with the exit code for it", async ({ redis, redisUrl }) => {
    const locked = await startRedis({ args: ["--requirepass", "right"] });
    const front = await startTlsFront(locked.port);
    onTestFinished(async () => {
      front.stop();
      await locked.stop();
    });
    const admin = new Redis(locked.port, { password: "right" });
    await admin.call("ACL", "SETUSER", "guest", "on", ">secret", "~*", "+@all", "-info");
    admin.disconnect();
    await redis.sadd("asynq:queues", "mail");
    const cases: readonly (readonly [args: readonly string[], code: number])[] = [
      [["queue", "ls", "--no-such-flag"], 2],
      [["queue", "ls", "--config", "/nonexistent/asynq.yaml"], 2],
      [["queue", "inspect", "gone", "-u", redisUrl], 3],
      [["queue", "ls", "-u", `127.0.0.1:${await freePort()}`], 5],
      [["queue", "ls", "-u", front.address, "--tls"], 5],
      [["queue", "ls", "-u", `127.0.0.1:${locked.port}`, "-p", "wrong"], 6],
      [["queue", "ls", "-u", `127.0.0.1:${locked.port}`, "-U", "guest", "-p", "secret"], 6],
      [["queue", "rm", "mail", "-u", redisUrl], 7],
    ];
    for (const [args, code] of cases) expect({ args, ...(await ended(start(args))) }).toEqual({ args, code, out: "", err: oneLine });
    expect(await redis.smembers("asynq:queues")).toEqual(["mail"]);
  });

  test("reads Asynq's variables and the config file it says it uses", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    const { host, pathname } = new URL(redisUrl);
    const home = mkdtempSync(path.join(tmpdir(), "asynqjs-home-"));
    onTestFinished(() => rmSync(home, { recursive: true }));
    const file = path.join(home, ".asynq.yaml");
    writeFileSync(file, `uri: ${host}\ndb: 15`);

    expect(await ended(start(["queue", "ls"], { URI: host, DB: pathname.slice(1) }))).toEqual({ code: 0, out: "mail\n", err: "" });
    expect(await ended(start(["queue", "ls"], { HOME: home, DB: pathname.slice(1) }))).toEqual({
      code: 0,
      out: "mail\n",
      err: `Using config file: ${file}\n`,
    });
    expect(await ended(start(["queue", "ls", "--json"], { HOME: home, DB: pathname.slice(1) }))).toEqual({
      code: 0,
      out: '["mail"]\n',
      err: "",
    });
  });

  test("stops at SIGINT with exit code 130, and where it ends by itself with 0", async ({ redisUrl }) => {
    const watching = start(["queue", "stats", "--watch", "-u", redisUrl]);
    await once(watching.stdout, "data");
    watching.kill("SIGINT");
    expect(await ended(watching)).toMatchObject({ code: 0, err: "" });

    const frozen = await startRedis();
    onTestFinished(() => frozen.stop());
    await frozen.kill("SIGSTOP");
    const waiting = start(["queue", "ls", "-u", `127.0.0.1:${frozen.port}`], { NODE_DEBUG: "net" });
    // It has begun to connect, and no answer comes.
    await once(waiting.stderr, "data");
    waiting.kill("SIGINT");
    const { code, err } = await ended(waiting);
    expect({ code, err: err.split("\n").filter((line) => line.startsWith("asynqjs")) }).toEqual({ code: 130, err: ["asynqjs: stopped"] });
  });

  test("minds not that who reads its output has had enough", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", ...Array.from({ length: 20_000 }, (_, nth) => `queue-${nth}`));
    const child = start(["queue", "ls", "-u", redisUrl]);
    child.stdout.once("data", () => child.stdout.destroy());
    const [[code], err] = await Promise.all([once(child, "exit"), child.stderr.toArray()]);
    expect({ code, err: err.join("") }).toEqual({ code: 0, err: "" });
  });

  test("does all it was told to though nobody reads its output or its errors any more", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "a", "b");
    const child = start(["queue", "pause", "a", "gone", "b", "-u", redisUrl]);
    child.stdout.destroy();
    child.stderr.destroy();
    const [code] = await once(child, "exit");
    expect({ code, paused: await redis.exists("asynq:{a}:paused", "asynq:{b}:paused") }).toEqual({ code: 3, paused: 2 });
  });

  test("ends what would go on for ever when nobody reads its output any more", async ({ redisUrl }) => {
    const watching = start(["queue", "stats", "--watch", "--interval=100ms", "-u", redisUrl]);
    watching.stdout.once("data", () => watching.stdout.destroy());
    const [[code], err] = await Promise.all([once(watching, "exit"), watching.stderr.toArray()]);
    expect({ code, err: err.join("") }).toEqual({ code: 0, err: "" });
  });

  test.skipIf(!existsSync("/dev/full"))("says in one line that its output cannot be written", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    const full = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(full));
    const child = spawn(process.execPath, [bin, "queue", "ls", "-u", redisUrl], { stdio: ["ignore", full, "pipe"], env: {} });
    const [[code], err] = await Promise.all([once(child, "exit"), child.stderr!.toArray()]);
    expect({ code, err: err.join("") }).toEqual({ code: 1, err: "asynqjs: cannot write to stdout: ENOSPC\n" });
  });

  test.skipIf(process.platform !== "linux").for<[keys: string, code: number, said: string]>([
    ["y\n", 0, 'Successfully removed queue "mail"'],
    ["n\n", 7, "asynqjs: not confirmed; nothing was changed"],
    ["\x04", 7, "asynqjs: not confirmed; nothing was changed"],
    ["\x03", 130, "asynqjs: stopped"],
  ])("asks in a terminal, and takes %j for an answer", async ([keys, code, said], { redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    const line = `'${process.execPath}' '${bin}' queue rm mail -u '${redisUrl}'`;
    const terminal = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"]);
    let shown = "";
    terminal.stdout.on("data", (text) => {
      if (!shown.includes("[y/N]") && `${shown}${text}`.includes("[y/N]")) terminal.stdin.write(keys);
      shown += text;
    });
    const [ended] = await once(terminal, "close");

    expect({ ended, shown }).toEqual({ ended: code, shown: expect.stringContaining(`${said}\r\n`) });
    expect(await redis.exists("asynq:queues")).toBe(code === 0 ? 0 : 1);
  });
});
