import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe } from "vitest";
import { expect, test } from "../support/server-test.ts";
import { newProject, type Project } from "./project-test.ts";

// Its own main thread is blocked by its first task: only another one can go on telling of the server.
const program = `
  import { Server } from "@asynqjs/worker-node";
  const server = new Server(process.env.REDIS_URL, { heartbeatIntervalMs: 200, logLevel: "warn" });
  server.start(async () => {
    // By then all that connects at the start has.
    await new Promise((resolve) => setTimeout(resolve, 500));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
    process.stdout.write("unblocked");
    server.shutdown();
  });`;

/** ioredis asks for modules of Node's as CommonJS does. */
const requireInEsm = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

describe("a server bundled into one file", { timeout: 120_000 }, () => {
  let project: Project;
  beforeAll(() => {
    project = newProject();
    const { status, stderr } = project.run("npm", "install", "@asynqjs/worker-node");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }, 120_000);
  afterAll(() => project.remove());

  test.for(["esm", "cjs"] as const)("beats in a thread of its own on the system's Node, %s", async (format, { redis, redisUrl, seed }) => {
    await seed({ taskId: "blocks" });
    const outfile = path.join(project.dir, "out", format === "esm" ? "server.mjs" : "server.cjs");
    await build({
      ...{ bundle: true, minify: true, platform: "node", target: "node20", format, outfile },
      stdin: { contents: program, resolveDir: project.dir },
      banner: { js: format === "esm" ? requireInEsm : "" },
    });

    const server = spawn("node", [outfile], { env: { ...project.env, REDIS_URL: redisUrl }, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const output of [server.stdout, server.stderr]) {
      output.on("data", (chunk) => {
        said += chunk;
      });
    }
    const ended = once(server, "exit");
    const expiries = new Set<string>();
    while (said === "" && server.exitCode === null) {
      for (const score of (await redis.zrange("asynq:servers", "0", "-1", "WITHSCORES")).slice(1)) expiries.add(score);
    }
    const [code] = await ended;

    expect({ said, code }).toEqual({ said: "unblocked", code: 0 });
    // Two a second and more, each in a second of its own; one that runs nothing beats once a minute.
    expect(expiries.size).toBeGreaterThan(2);
    expect(await redis.exists("asynq:servers")).toBe(0);
  });
});
