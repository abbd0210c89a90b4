import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";

const script = fileURLToPath(new URL("run.mjs", import.meta.url));
const root = path.join(path.dirname(script), "..");
// The Node that npm was started with, which may be older than the one that runs the tests.
const systemNode = process.env.ASYNQJS_SYSTEM_NODE ?? process.execPath;
const deadProxy = { HTTP_PROXY: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1" };

function run(args: readonly string[], { cwd = root, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  return spawnSync(systemNode, [script, ...args], { cwd, encoding: "utf8", env: { ...process.env, ...env } });
}

/** Runs the script in a folder of its own, where nothing is installed yet. */
function runAlone(searchPath: string) {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-run-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  mkdirSync(path.join(dir, "scripts"));
  mkdirSync(path.join(dir, "packages"));
  cpSync(script, path.join(dir, "scripts/run.mjs"));
  const copy = path.join(dir, "scripts/run.mjs");
  return { dir, ...spawnSync(systemNode, [copy, "node", "-v"], { encoding: "utf8", env: { PATH: searchPath } }) };
}

describe("run.mjs", () => {
  test("says in one line what to install when npm is missing", () => {
    const done = runAlone("/nowhere");

    expect(done.stderr).toBe("asynqjs: needs npm, which comes with Node.js: install Node.js 20 or later with it\n");
    expect(done.stdout).toBe("");
    expect(done.status).toBe(1);
  });

  test("says in one line what to look at when npm fails, and keeps what it said", () => {
    const bin = mkdtempSync(path.join(tmpdir(), "asynqjs-bin-"));
    onTestFinished(() => rmSync(bin, { recursive: true }));
    writeFileSync(path.join(bin, "npm"), "#!/bin/sh\necho 'npm error network refused' >&2\nexit 1\n", { mode: 0o755 });

    const done = runAlone(`${bin}:/bin:/usr/bin`);

    expect(done.stderr).toBe(
      "asynqjs: npm install failed (exit 1): is the npm registry within reach? what it said is in .tools/failure.log\n",
    );
    expect(done.status).toBe(1);
    expect(readFileSync(path.join(done.dir, ".tools/failure.log"), "utf8")).toBe("npm error network refused\n");
  });

  test("once everything stands, needs no network, says nothing of its own, and works from any folder", () => {
    const done = run(["node", "-p", "process.cwd()"], { cwd: tmpdir(), env: deadProxy });

    expect(done).toMatchObject({ status: 0, stderr: "", stdout: `${path.resolve(root)}\n` });
  });

  test("finds the workspace's own commands, and a Node that runs TypeScript", () => {
    expect(run(["vitest", "--version"]).stdout).toMatch(/^vitest\/5\./);
    expect(run(["node", "-p", "process.features.typescript"]).stdout).toBe("strip\n");
  });

  test("hands over neither npm's settings nor its talk about itself, but where packages come from", () => {
    const env = { npm_config_prefix: "/p", npm_lifecycle_event: "test", npm_config_proxy: "http://127.0.0.1:1" };
    const names = "Object.keys(process.env).filter((name) => /^npm_(config_pr|life)/.test(name)).join()";

    expect(run(["node", "-p", names], { env }).stdout).toBe("npm_config_proxy\n");
  });

  test("ends as its command ends", () => {
    expect(run(["node", "-e", "process.exit(7)"]).status).toBe(7);
    expect(run(["node", "-e", "process.kill(process.pid, 'SIGTERM')"]).signal).toBe("SIGTERM");
    expect(run(["no-such-command"])).toMatchObject({ status: 127, stderr: "asynqjs: no such command: no-such-command\n" });
  });

  test.for(["SIGINT", "SIGTERM", "SIGHUP"] as const)("hands %s on to its command, once, and waits for it to end", async (signal) => {
    const program = `
      let times = 0;
      process.on("${signal}", () => { times++; setTimeout(() => process.exit(40 + times), 100); });
      console.log("up");
      setInterval(() => {}, 1000);`;
    const runner = spawn(systemNode, [script, "node", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await once(runner.stdout, "data");

    runner.kill(signal);

    expect(await once(runner, "exit")).toEqual([41, null]);
  });
});
