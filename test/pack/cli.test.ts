import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import { expect, test } from "../support/redis-test.ts";
import { hasTmux, openTerminal } from "../support/tmux.ts";
import { newProject, type Project } from "./project-test.ts";

describe("@asynqjs/cli, installed by npm", { timeout: 60_000 }, () => {
  let project: Project;
  beforeAll(() => {
    project = newProject();
    const { status, stderr } = project.run("npm", "install", "@asynqjs/cli");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }, 60_000);
  afterAll(() => project.remove());

  test("is one package with nothing beside it, and says what libraries are in it", () => {
    expect(project.run("ls", "node_modules", "node_modules/@asynqjs").stdout.split(/\s+/).filter(Boolean)).toEqual([
      "node_modules:",
      "@asynqjs",
      "node_modules/@asynqjs:",
      "cli",
    ]);
    const licenses = readFileSync(path.join(project.dir, "node_modules/@asynqjs/cli/dist/third-party-licenses.txt"), "utf8");
    for (const library of ["commander", "ioredis", "yaml", "smol-toml", "protobufjs", "ink", "react", "yoga-layout"])
      expect(licenses).toMatch(new RegExp(`^${library} \\d`, "m"));
  });

  test("reaches Redis by flags, by every kind of config file, and as a Cluster that there is not", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    project.write("a.yaml", `uri: ${redisUrl}`);
    project.write("a.toml", `uri = "${redisUrl}"`);
    project.write("a.json", JSON.stringify({ uri: redisUrl }));

    for (const where of [`--uri=${redisUrl}`, "--config=a.yaml", "--config=a.toml", "--config=a.json"])
      expect(project.run("npx", "asynqjs", "queue", "ls", where)).toMatchObject({ status: 0, stdout: "mail\n" });
    expect(project.run("npx", "asynqjs", "queue", "ls", "--cluster", "--cluster_addrs=127.0.0.1:1")).toMatchObject({
      status: 5,
      stderr: "asynqjs: cannot reach Redis at 127.0.0.1:1: nobody listens there; is Redis running, and is --uri right?\n",
    });
  });

  test.for(["stats", "queue stats", "server ls", "cron ls", "tick", "task ls -q mail -s pending", "completion bash"])(
    "runs asynqjs %s on the system's Node",
    async (line, { redis, redisUrl }) => {
      await redis.sadd("asynq:queues", "mail");
      const { status, stdout, stderr } = project.run("npx", "asynqjs", ...line.split(" "), "-u", redisUrl);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).not.toBe("");
    },
  );

  test.runIf(hasTmux)("shows the dashboard, though the environment says CI and DEV", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    const bin = path.join(project.dir, "node_modules/@asynqjs/cli/dist/bin.js");
    const terminal = await openTerminal({
      command: `node "${bin}" dash -u ${redisUrl}`,
      env: { PATH: project.env.PATH!, CI: "true", DEV: "true" },
    });
    onTestFinished(() => terminal.close());

    await terminal.until(/^mail +RUN +0 /m);
    await terminal.press("j", "Enter");
    await terminal.until("No active tasks");
    await terminal.press("q", "q");
    await terminal.until("ended with 0");
    expect((await terminal.lines()).filter((line) => line !== "")).toEqual(["ended with 0"]);
  });

  test("starts in little more time than Node itself", () => {
    const bin = path.join(project.dir, "node_modules/@asynqjs/cli/dist/bin.js");
    /** The CPU time of three runs, which the shell tells to hundredths of a second. */
    const cpuMsOf = (...args: readonly string[]): number => {
      const script = 'for run in 1 2 3; do "$@" >/dev/null || exit 1; done; times';
      const { stdout, status } = spawnSync("sh", ["-c", script, "sh", "node", ...args], { env: project.env, encoding: "utf8" });
      expect(status).toBe(0);
      const times = stdout.trim().split("\n").at(-1)!.split(" ");
      return times.reduce((sum, text) => sum + Number(text.split("m")[0]) * 60_000 + Number.parseFloat(text.split("m")[1]!) * 1_000, 0);
    };
    // Interleaved, since others run beside this.
    const rounds = Array.from({ length: 4 }, () => [cpuMsOf("-e", "0"), cpuMsOf(bin, "--version")] as const);
    const [node, cli] = [0, 1].map((nth) => rounds.reduce((sum, round) => sum + round[nth as 0 | 1], 0)) as [number, number];

    // 150 ms where Node takes 40. It takes 1.5 times as much as Node on a slow machine, 2.8 on one where Node takes 17 ms.
    expect(cli / node).toBeLessThan(150 / 40);
  });
});
