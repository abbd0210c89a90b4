import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import { areGone, expect, followOutput, pathWithRedis, test } from "../support/dev-test.ts";
import { freePort } from "../support/redis-server.ts";
import { newProject, type Project } from "./project-test.ts";

const types = fileURLToPath(new URL("../../node_modules/@types", import.meta.url));

/** What comes from elsewhere is the workspace's own here. */
const tools = ["typescript", "@types/node", "wrangler"];

const templates: readonly { readonly name: string; readonly route: string; readonly portFlag?: boolean }[] = [
  { name: "node", route: "/welcome" },
  { name: "cloudflare", route: "/welcome", portFlag: true },
  { name: "vercel", route: "/api/welcome" },
];

let home: Project;
beforeAll(() => {
  home = newProject();
  const { status, stderr } = home.run("npm", "install", "@asynqjs/cli");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}, 120_000);
afterAll(() => home.remove(), 60_000);

describe.each(templates)(
  "a project of the template $name, made by the packed command",
  { timeout: 180_000 },
  ({ name, route, portFlag }) => {
    let dir: string;
    beforeAll(() => {
      // By the system's Node, the oldest that we promise.
      const { status, stdout, stderr } = home.run("npx", "asynqjs", "init", `my-${name}`, "--template", name);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain(`made my-${name}\n`);
      dir = path.join(home.dir, `my-${name}`);
      const manifest = JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8"));
      for (const tool of tools) delete manifest.devDependencies[tool];
      writeFileSync(path.join(dir, "package.json"), JSON.stringify(manifest));
      const installed = spawnSync("npm", ["install"], { cwd: dir, env: home.env, encoding: "utf8" });
      expect({ status: installed.status, output: installed.status === 0 ? "" : installed.stderr }).toEqual({ status: 0, output: "" });
    }, 120_000);

    test("is compiled by its own compiler options", () => {
      const { status, stdout } = spawnSync("tsc", ["-p", dir, "--typeRoots", types], { cwd: dir, encoding: "utf8" });
      expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    });

    test("runs with npm run dev: what is enqueued over HTTP is done by the worker, and what its clock says too", async () => {
      const port = await freePort();
      const manifest = JSON.parse(readFileSync(path.join(dir, "package.json"), "utf8"));
      const dev: string = manifest.scripts.dev;
      expect(dev).toMatch(/^asynqjs dev -- /);
      // Others run beside it here.
      manifest.scripts.dev =
        dev.replace("asynqjs dev", "asynqjs dev --redis-port 0 --gateway-port 0") + (portFlag ? ` --port ${port}` : "");
      writeFileSync(path.join(dir, "package.json"), JSON.stringify(manifest));
      const child = spawn("npm", ["run", "dev"], {
        cwd: dir,
        env: { ...home.env, PATH: pathWithRedis(home.dir), PORT: String(port), npm_config_loglevel: "error" },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      const run = followOutput(child);
      onTestFinished(() => {
        if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
      });
      await run.line(/^cron {4}\| src\/cron\.ts: 1 entry; added report$/);
      // wrangler takes its time.
      await run.line(/^app {5}\| .*http:\/\/localhost:\d+/, 90_000);

      const response = await fetch(`http://localhost:${port}${route}`, { method: "POST", body: JSON.stringify({ to: "ada@example.com" }) });

      expect([response.status, await response.json()]).toEqual([202, { id: expect.any(String), state: "pending" }]);
      await run.line(/^worker {2}\| welcome, ada@example\.com$/);
      expect((await fetch(`http://localhost:${port}${route}`, { method: "POST", body: "{}" })).status).toBe(400);

      const cron = path.join(dir, "src/cron.ts");
      writeFileSync(cron, readFileSync(cron, "utf8").replace('"* * * * *"', '"@every 1s"'));
      await run.line(/^cron {4}\| src\/cron\.ts: 1 entry; edited report$/);
      await run.line(/^worker {2}\| the report of the minute$/);

      const started = run.started();
      // As a terminal does it: to all that it started.
      process.kill(-child.pid!, "SIGINT");
      await run.ended;
      await areGone(started);
      expect(existsSync(path.join(dir, ".asynqjs/token"))).toBe(true);
    });
  },
);
