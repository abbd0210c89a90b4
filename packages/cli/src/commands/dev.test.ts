import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { Redis } from "ioredis";
import { describe } from "vitest";
import { areGone, type DevProject, enqueueThrough, expect, isAlive, test } from "../../../../test/support/dev-test.ts";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { runCli } from "../../test/cli-test.ts";

/** A worker that says what it does, and a client that gives it something to do. */
const worker = (greeting: string, more = ""): string => `
  import { ServeMux, Server } from "@asynqjs/worker-node";
  interface Greeting { readonly to: string }
  const mux = new ServeMux();
  mux.handle("greet", async (task) => {
    const { to } = task.json<Greeting>();
    console.log(\`${greeting}, \${to}\`);
    ${more}
  });
  await new Server(process.env.REDIS_URI!, { concurrency: 2, logLevel: "warn" }).run(mux);
  console.log("the worker is done");`;

const enqueue = (to: string): string => `
  import { Client, Task } from "@asynqjs/client-edge";
  const client = new Client({ url: process.env.REDIS_URL!, token: process.env.REDIS_TOKEN! });
  await client.enqueue(new Task("greet", { to: "${to}" }));
  setInterval(() => {}, 1000);`;

/** A project that greets, from its app through the gateway. */
function greeter(project: DevProject, more?: string): void {
  project.write("src/worker.ts", worker("hello", more));
  project.write("app.ts", enqueue("ada"));
}

const app = ["--", process.execPath, "app.ts"];

// Each is a folder and processes of its own, which wait for each other for the most part.
describe("asynqjs dev", { timeout: 120_000, concurrent: true }, () => {
  test("runs a Redis, the gateway, the worker and a command, so that a task of the command is done by the worker", async ({ project }) => {
    greeter(project);

    const dev = project.dev(...app);

    await dev.line(/^redis {3}\| redis:\/\/127\.0\.0\.1:\d+, by redis-server; nothing is kept/);
    await dev.line(/^gateway \| http:\/\/127\.0\.0\.1:\d+$/);
    await dev.line(/^REDIS_URI=redis:/);
    await dev.line(/^worker {2}\| src\/worker\.ts started/);
    await dev.line(/^worker {2}\| hello, ada$/);
    expect(dev.said()).not.toContain("\x1b[");
  });

  test("starts the worker anew when a file changes, and lets it finish what it runs before", async ({ project }) => {
    greeter(project, 'await new Promise((resolve) => setTimeout(resolve, 500)); console.log("and goodbye");');
    const dev = project.dev(...app);
    await dev.line(/hello, ada/);

    project.write("src/worker.ts", worker("good day"));

    await dev.line(/src\/worker\.ts changed/);
    await dev.line(/and goodbye/);
    await dev.line(/the worker is done/);
    await dev.line(/started anew/);
    await enqueueThrough(dev, "greet", { to: "grace" });
    await dev.line(/^worker {2}\| good day, grace$/);
  });

  test("gives the worker what .env says, anew when that changes, but for where its Redis is", async ({ project }) => {
    project.write(".env", 'GREETING="good morning"\nREDIS_URI=redis://elsewhere:1\nREDIS_URL=http://elsewhere:1');
    project.write(
      "worker.js",
      "console.log(process.env.GREETING, process.env.REDIS_URI, process.env.REDIS_URL); setInterval(() => {}, 1000);",
    );
    const dev = project.dev();
    await dev.line(/^worker {2}\| good morning redis:\/\/127\.0\.0\.1:\d+ http:\/\/127\.0\.0\.1:\d+$/);

    project.write(".env", "GREETING=goodnight");

    await dev.line(/\.env changed/);
    await dev.line(/^worker {2}\| goodnight redis:/);
  });

  test("says of a .env that cannot be read just that, and starts the worker again when it can be", async ({ project }) => {
    project.write("src/worker.ts", `console.log("with", process.env.GREETING); setInterval(() => {}, 1000);`);
    const dev = project.dev();
    await dev.line(/with undefined/);

    project.write(".env/not-a-file", "");
    project.write("src/worker.ts", `console.log("now with", process.env.GREETING); setInterval(() => {}, 1000);`);
    await dev.line(/worker {2}\| \.env cannot be read \(EISDIR\); the worker is started when a file changes/);
    rmSync(path.join(project.dir, ".env"), { recursive: true });
    project.write(".env", "GREETING=hello");

    await dev.line(/now with hello/);
  });

  test("says how the worker ended, and starts it when a file changes: a crash, and what cannot be read", async ({ project }) => {
    project.write("src/worker.ts", 'import "./start.ts";');
    project.write("src/start.ts", 'console.log("up"); process.exit(3);');
    const dev = project.dev();
    await dev.line(/^worker {2}\| up$/);
    await dev.line(/ended \(exit 3\); it is started again when a file changes/);

    project.write("src/start.ts", "const broken = ;");

    await dev.line(/started again, src\/start\.ts changed/);
    await dev.line(/SyntaxError/);
    await dev.line(/ended \(exit 1\)/);
    project.write("src/start.ts", 'console.log("mended"); setInterval(() => {}, 1000);');
    await dev.line(/^worker {2}\| mended$/);
  });

  test("fires the entries of the cron file each second, and follows the file", async ({ project }) => {
    greeter(project);
    project.write("src/cron.ts", 'export default [{ id: "each", spec: "@every 1s", type: "greet", payload: { to: "each second" } }];');
    const dev = project.dev();
    await dev.line(/^cron {4}\| src\/cron\.ts: 1 entry; added each$/);
    await dev.line(/^worker {2}\| hello, each second$/);

    project.write("src/cron.ts", 'export default [{ id: "other", spec: "never", type: "greet" }];');
    await dev.line(/^cron {4}\| .*never.*; the entries stay as they are until a file changes$/);
    project.write("src/cron.ts", 'export default [{ id: "other", spec: "@every 1s", type: "greet", payload: { to: "other" } }];');

    await dev.line(/src\/cron\.ts: 1 entry; added other; removed each/);
    await dev.line(/^worker {2}\| hello, other$/);
  });

  test("on Ctrl-C ends all in its order, with what runs finished, and leaves no process", async ({ project }) => {
    greeter(project, 'await new Promise((resolve) => setTimeout(resolve, 700)); console.log("and goodbye");');
    const dev = project.dev(...app);
    await dev.line(/hello, ada/);
    const started = dev.started();
    expect(started.length).toBeGreaterThanOrEqual(4);

    dev.signal("SIGINT");

    expect(await dev.ended).toBe(0);
    expect(dev.said()).toMatch(/finishes what it runs[\s\S]*and goodbye[\s\S]*the worker is done/);
    expect(started.filter(isAlive)).toEqual([]);
  });

  test("on Ctrl-C waits for no cron file that is still being read", async ({ project }) => {
    project.write(
      "src/cron.ts",
      '(await import("node:fs")).writeFileSync("begun", ""); await new Promise(() => setInterval(() => {}, 1000));',
    );
    project.write(
      "src/worker.ts",
      `import { existsSync } from "node:fs";
      setInterval(() => existsSync("begun") && console.log("it is being read"), 20);`,
    );
    const dev = project.dev();
    await dev.line(/it is being read/);
    const started = dev.started();

    dev.signal("SIGINT");

    expect(await Promise.race([dev.ended, new Promise((resolve) => setTimeout(resolve, 10_000, "waits"))])).toBe(0);
    expect(started.filter(isAlive)).toEqual([]);
  });

  test("takes a Ctrl-C that it is handed twice for one, as when what runs it passes its own on", async ({ project }) => {
    greeter(project);
    const dev = project.dev(...app);
    await dev.line(/hello, ada/);

    dev.signal("SIGINT");
    dev.signal("SIGTERM");

    expect(await dev.ended).toBe(0);
    expect(dev.said()).toContain("the worker is done");
  });

  test("ends in its order though its terminal is gone", async ({ project }) => {
    greeter(
      project,
      `await new Promise((resolve) => setTimeout(resolve, 700));
      console.log("and goodbye");
      (await import("node:fs")).writeFileSync("done", "");`,
    );
    const dev = project.dev(...app);
    await dev.line(/hello, ada/);
    const started = dev.started();

    dev.hangUp();

    expect(await dev.ended).toBe(0);
    expect(project.read("done")).toBe("");
    expect(started.filter(isAlive)).toEqual([]);
  });

  test.for(["SIGTERM", "SIGHUP"] as const)("on %s ends likewise", async (signal, { project }) => {
    greeter(project);
    const dev = project.dev(...app);
    await dev.line(/hello, ada/);
    const started = dev.started();

    dev.signal(signal);

    expect(await dev.ended).toBe(0);
    expect(started.filter(isAlive)).toEqual([]);
  });

  test("on another Ctrl-C ends all at once", async ({ project }) => {
    greeter(project, "await new Promise(() => setInterval(() => {}, 1000));");
    const dev = project.dev(...app);
    await dev.line(/hello, ada/);
    const started = dev.started();

    dev.signal("SIGINT");
    await dev.line(/another Ctrl-C ends all at once/);
    // By a clock that is the process's own: one that comes sooner is taken for the same.
    await new Promise((resolve) => setTimeout(resolve, 400));
    dev.signal("SIGINT");

    expect(await dev.ended).toBe(130);
    expect(started.filter(isAlive)).toEqual([]);
  });

  test("leaves no process where it was killed itself", async ({ project }) => {
    greeter(project);
    const dev = project.dev(...app);
    await dev.line(/hello, ada/);
    const started = dev.started();

    dev.signal("SIGKILL");

    expect(await dev.ended).toBe("SIGKILL");
    await areGone(started);
  });

  test("ends with its command, and with the code of that", async ({ project }) => {
    const dev = project.dev("--no-worker", "--", "sh", "-c", "echo for $REDIS_URI; exit 7");

    expect(await dev.ended).toBe(7);
    expect(dev.said()).toMatch(/app {5}\| for redis:\/\/127[\s\S]*app {5}\| ended \(exit 7\): all ends/);
  });

  test("ends though its command left a process in a session of its own, which holds on to its output", async ({
    project,
    onTestFinished,
  }) => {
    project.write(
      "app.js",
      `import { spawn } from "node:child_process";
      const { pid } = spawn("sleep", ["60"], { detached: true, stdio: "inherit" });
      console.log("left", pid);
      process.exit(3);`,
    );
    const dev = project.dev("--no-worker", "--", process.execPath, "app.js");
    const [, left] = await dev.line(/left (\d+)/);
    onTestFinished(() => void process.kill(Number(left), "SIGKILL"));
    expect(isAlive(Number(left))).toBe(true);

    expect(await Promise.race([dev.ended, new Promise((resolve) => setTimeout(resolve, 20_000, "hangs"))])).toBe(3);
  });

  test("says that its Redis died, and ends", async ({ project }) => {
    greeter(project);
    const dev = project.dev(...app);
    const [, uri] = await dev.line(/^REDIS_URI=(.*)$/);
    await dev.line(/hello, ada/);
    const started = dev.started();
    const redis = new Redis(uri!, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on("error", () => {});
    const [, pid] = /process_id:(\d+)/.exec(await redis.info("server"))!;

    process.kill(Number(pid), "SIGKILL");

    await dev.line(/^redis {3}\| ended \(SIGKILL\), and what was in it is gone: all ends$/);
    expect(await dev.ended).toBe(1);
    expect(started.filter(isAlive)).toEqual([]);
  });

  test("ends all at once when its Redis died, also what would not end by itself, and starts nothing again", async ({ project }) => {
    const stubborn = (name: string): string =>
      `process.on("SIGTERM", () => console.log("${name} was asked to end")); console.log("${name} is up"); setInterval(() => {}, 1000);`;
    project.write("worker.js", stubborn("the worker"));
    project.write("app.js", stubborn("the app"));
    const dev = project.dev("--", process.execPath, "app.js");
    const [, port] = await dev.line(/^REDIS_URI=.*:(\d+)$/);
    for (const _ of ["worker", "app"]) await dev.line(/is up/);
    const started = dev.started();
    const redis = new Redis(Number(port), { retryStrategy: null });
    redis.on("error", () => {});

    await redis.shutdown("NOSAVE").catch(() => {});

    await dev.line(/^redis {3}\| ended \(exit 0\), and what was in it is gone: all ends$/);
    expect(await dev.ended).toBe(1);
    expect(started.filter(isAlive)).toEqual([]);
    expect(dev.said()).not.toMatch(/was asked to end|did not end|started again/);
  });

  test("uses the Redis that it is given, leaves it running, and says when it is away", async ({ project, onTestFinished }) => {
    greeter(project);
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const dev = project.devWith({ ...project.env, ASYNQ_REDIS_URL: redis.url }, "--redis", redis.url, ...app);
    await dev.line(new RegExp(`^redis {3}\\| ${redis.url}$`));
    await dev.line(/hello, ada/);
    expect(dev.said()).not.toContain("REDIS_URI=");

    await redis.kill("SIGKILL");

    await dev.line(/^gateway \| no connection to Redis .*; trying again$/);
    dev.signal("SIGINT");
    expect(await dev.ended).toBe(0);
  });

  test("draws another token where the file of it is empty, as a full disk leaves it", async ({ project }) => {
    project.write(".asynqjs/token", "");

    const dev = project.dev("--no-worker", "--", "sh", "-c", "echo drew $REDIS_TOKEN");

    const [, token] = await dev.line(/drew (\S{32})$/);
    expect(project.read(".asynqjs/token")).toBe(`${token}\n`);
  });

  test("says of what is no Redis at the address it is given what that answered", async ({ project, onTestFinished }) => {
    const other = createServer((socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    await once(other.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void other.close());
    const { port } = other.address() as { readonly port: number };

    const dev = project.dev("--no-worker", "--redis", `redis://127.0.0.1:${port}`);

    expect([await dev.ended, dev.said()]).toEqual([5, expect.stringMatching(/^asynqjs: no Redis at redis:\/\/127.*: .*"H"/)]);
  });

  test("keeps what is in its Redis where it is told to", async ({ project }) => {
    project.write(
      "set.ts",
      `import { Client, Task } from "@asynqjs/client-edge";
      const client = new Client({ url: process.env.REDIS_URL!, token: process.env.REDIS_TOKEN! });
      await client.enqueue(new Task("greet", { to: "tomorrow" }));`,
    );
    expect(await project.dev("--keep", "--no-worker", "--", process.execPath, "set.ts").ended).toBe(0);
    expect(project.read(".asynqjs/.gitignore")).toBe("*\n");
    project.write(
      "worker.js",
      worker("hello")
        .replace(/interface.*/, "")
        .replaceAll(/<Greeting>|!/g, ""),
    );

    const dev = project.dev("--keep");

    await dev.line(/kept in \.asynqjs\/redis/);
    await dev.line(/hello, tomorrow/);
  });

  test("says which port is in use, by whom, and what to do; nothing is started", async ({ project, onTestFinished }) => {
    greeter(project);
    const redis = await startRedis();
    const other = createServer();
    await once(other.listen(0, "127.0.0.1"), "listening");
    onTestFinished(async () => {
      await redis.stop();
      other.close();
    });
    const { port } = other.address() as { readonly port: number };

    const one = project.dev("--redis-port", String(redis.port));
    const two = project.dev("--gateway-port", String(port));

    expect([await one.ended, one.said()]).toEqual([
      1,
      `asynqjs: port ${redis.port} is in use by a Redis: use that one with --redis redis://127.0.0.1:${redis.port}, or take another with --redis-port PORT\n`,
    ]);
    expect([await two.ended, two.said()]).toEqual([
      1,
      `asynqjs: port ${port}, for the gateway, is in use: take another with --gateway-port PORT\n`,
    ]);
  });

  test.for([
    [[], /^asynqjs: no worker: there is none of src\/worker\.ts, .*; name it with --worker FILE, or say --no-worker$/m, 2],
    [["--worker", "gone.ts"], /^asynqjs: --worker gone\.ts: there is no such file$/m, 2],
    [["--no-worker", "--cron", "gone.json"], /^asynqjs: --cron gone\.json: there is no such file$/m, 2],
    [["--no-worker", "--watch", "gone"], /^asynqjs: --watch gone: there is no such folder$/m, 2],
    [["--no-worker", "--gateway-port", "99999"], /^asynqjs: .*expected a port, 0 to 65535/m, 2],
    [["--no-worker", "--redis-port", "8079", "--gateway-port", "8079"], /^asynqjs: port 8079 .*, not both: .*--gateway-port PORT$/m, 2],
    [["--no-worker", "--redis", "redis-cluster://localhost:1"], /^asynqjs: --redis: .*no Cluster$/m, 2],
    [["--no-worker", "--redis", "redis://localhost:1", "--keep"], /^asynqjs: --keep and --redis-port are for a Redis that is started/m, 2],
    [["--no-worker", "--redis", "redis://user:secret@localhost:1"], /^asynqjs: no Redis at redis:\/\/localhost:1: ECONNREFUSED$/m, 5],
    [["--no-worker", "--uri", "localhost:1"], /^asynqjs: --uri is for what looks at a Redis; .*--redis$/m, 2],
  ] as const)("refuses %j in one line", { concurrent: false }, async ([args, line, code]) => {
    const ran = await runCli(["dev", "--gateway-port", "0", ...args]);

    expect(ran).toEqual({ code, out: "", err: expect.stringMatching(line) });
    expect(ran.err.trim().split("\n")).toHaveLength(1);
  });

  test("says what to install where there is no Redis, and runs it by docker where that is there", async ({ project }) => {
    const { PATH: _, ...without } = project.env;
    const none = project.devWith({ ...without, PATH: `${project.dir}/nothing` }, "--no-worker");
    expect(await none.ended).toBe(2);
    expect(none.said()).toMatch(/^asynqjs: no Redis: install one \(.*\), or start docker, or name one that runs with --redis URI\n$/);

    // There is no docker here: this one says that it runs, and does what the container would, at the port that is published.
    project.write(
      "fake/docker",
      `#!/bin/bash
       [ "$1" = info ] && exit 0
       while [ "$1" != redis:8-alpine ]; do [ "$1" = --publish ] && port=\${2#127.0.0.1:} && port=\${port%:6379}; shift; done
       PATH=${project.dir}/.bin:$PATH exec "$2" "$3" "\${4/redis-server/redis-server --port $port}"`,
    );
    chmodSync(`${project.dir}/fake/docker`, 0o755);
    const dev = project.devWith({ ...without, PATH: `${project.dir}/fake:/usr/bin:/bin` }, "--no-worker", "--", "true");
    await dev.line(/^redis {3}\| docker starts redis:8-alpine$/);
    await dev.line(/^redis {3}\| redis:\/\/127\.0\.0\.1:\d+, by redis:8-alpine/);
    expect(await dev.ended).toBe(0);
  });
});
