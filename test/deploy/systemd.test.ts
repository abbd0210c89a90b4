import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Task } from "@asynqjs/client-edge";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import type { Project } from "../pack/project-test.ts";
import { freePort } from "../support/redis-server.ts";
import { expect, test } from "../support/redis-test.ts";
import { copyRecipe, installRecipe, readRecipe } from "./recipe.ts";

const units = globSync("*.{service,timer}", { cwd: fileURLToPath(new URL("../../deploy/systemd", import.meta.url)) }).sort();
const services = units.filter((unit) => unit.endsWith(".service"));
const readme = readRecipe("systemd/README.md");
const systemNode = process.env.ASYNQJS_SYSTEM_NODE ?? process.execPath;
const soon = { timeout: 20_000, interval: 50 };

/** A directive of a unit, all its values. */
function values(unit: string, name: string): string[] {
  return Array.from(readRecipe(`systemd/${unit}`).matchAll(new RegExp(`^${name}=(.*)$`, "gm")), ([, value]) => value!);
}

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("the units of deploy/systemd, judged by systemd-analyze", () => {
  let project: Project;
  beforeAll(() => {
    project = copyRecipe("systemd");
    // Node is where it is on this machine.
    for (const unit of units) {
      const file = path.join(project.dir, unit);
      if (!existsSync("/usr/bin/node")) writeFileSync(file, readFileSync(file, "utf8").replaceAll("/usr/bin/node", systemNode));
    }
  });
  afterAll(() => project.remove());
  const judge = (...args: readonly string[]): { readonly status: number | null; readonly said: string } => {
    const { status, stdout, stderr } = project.run("systemd-analyze", ...args);
    return { status, said: stdout + stderr };
  };

  test.for(units)("%s is sound", (unit, { skip }) => {
    if (!analyze && !process.env.CI) skip("systemd-analyze is not installed");
    expect(judge("verify", "--man=no", `./${unit}`)).toEqual({ status: 0, said: "" });
  });

  test.for(services)("%s can do little harm: its exposure is at most 2 of 10", (unit, { skip }) => {
    if (!analyze && !process.env.CI) skip("systemd-analyze is not installed");
    const { status, said } = judge("security", "--no-pager", "--offline=true", "--threshold=20", `./${unit}`);
    expect(said).toContain("Overall exposure level");
    expect(status).toBe(0);
  });

  test.for(services)("%s lets through what V8 asks at its start: memory protection keys, which @system-service lacks", (unit, { skip }) => {
    if (!analyze && !process.env.CI) skip("systemd-analyze is not installed");
    const calls = (group: string): string[] =>
      judge("syscall-filter", group)
        .said.split("\n")
        .flatMap((line) => /^ {4}(@?\w.*)$/.exec(line)?.[1] ?? [])
        .flatMap((name) => (name.startsWith("@") ? calls(name) : name));
    const [allowed, denied] = values(unit, "SystemCallFilter").map((list) => list.replace("~", "").split(" ").flatMap(calls));
    // With Node 20 a service that may not is ended by SIGSYS before its first line.
    for (const call of ["pkey_alloc", "pkey_mprotect", "clone3", "epoll_pwait", "futex", "prlimit64"]) {
      expect(allowed).toContain(call);
      expect(denied).not.toContain(call);
    }
  });

  test("a directive that there is not would be seen", ({ skip }) => {
    if (!analyze && !process.env.CI) skip("systemd-analyze is not installed");
    project.write("wrong.service", readRecipe("systemd/asynqjs-worker.service").replace("NoNewPrivileges", "NoNewPrivilege"));
    expect(judge("verify", "--man=no", "./wrong.service").said).toContain("NoNewPrivilege");
  });
});

describe("what the units of deploy/systemd start", { timeout: 60_000 }, () => {
  const projects = new Map<string, Project>();
  beforeAll(() => {
    for (const name of ["worker", "gateway"]) projects.set(`/opt/asynqjs/${name}`, installRecipe(`container/${name}`));
  }, 120_000);
  afterAll(() => {
    for (const project of projects.values()) project.remove();
  });

  /** Starts a service as systemd would: its command, its environment, its credentials in a folder. */
  function start(unit: string, credentials: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) {
    const project = projects.get(values(unit, "WorkingDirectory")[0]!)!;
    const folder = path.join(project.dir, "credentials");
    mkdirSync(folder, { recursive: true });
    const wanted = values(unit, "LoadCredential").map((value) => value.split(":")[0]!);
    expect(Object.keys(credentials).sort()).toEqual(wanted.sort());
    for (const [name, text] of Object.entries(credentials)) writeFileSync(path.join(folder, name), `${text}\n`);
    const texts = values(unit, "Environment").flatMap((value) => value.replaceAll("%d", folder).split(" "));
    const environment = Object.fromEntries(texts.map((text) => [text.split("=", 1)[0]!, text.slice(text.indexOf("=") + 1)]));
    const command = values(unit, "ExecStart")[0]!
      .replaceAll("$$", "$")
      .replace("/usr/bin/node", systemNode)
      .replace("8079", more.PORT ?? "8079");
    const [, file, shellText, rest = ""] = /^(\S+) (?:-c '(.*)'|(.*))$/.exec(command)!;
    const child = spawn(file!, shellText === undefined ? rest.split(" ") : ["-c", shellText], {
      cwd: project.dir,
      env: { PATH: project.env.PATH, CREDENTIALS_DIRECTORY: folder, ...environment, ...more },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += chunk;
      });
    const exit = once(child, "exit");
    return {
      said: () => said,
      async ended(signal?: NodeJS.Signals): Promise<unknown> {
        if (signal !== undefined) child.kill(signal);
        return (await exit)[0];
      },
    };
  }

  test("asynqjs-worker.service runs tasks, is ready, and ends at SIGTERM", async ({ redis, redisUrl }) => {
    const port = String(await freePort());
    const worker = start("asynqjs-worker.service", { "redis-uri": redisUrl }, { HEALTH_PORT: port });
    await new Client({ redis: ioredisPort(redis) }).enqueue(new Task("email:welcome", { to: "ada" }));

    await expect.poll(worker.said, soon).toContain("welcome, ada");

    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    expect(await worker.ended("SIGTERM")).toBe(0);
  });

  test("asynqjs-gateway.service answers, and ends at SIGTERM", async ({ redisUrl }) => {
    const port = String(await freePort());
    const gateway = start("asynqjs-gateway.service", { "redis-uri": redisUrl, tokens: "a-token-for-tests" }, { PORT: port });
    await expect.poll(gateway.said, soon).toContain("listens on");

    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).json()).toEqual({ redis: "up" });

    expect(await gateway.ended("SIGTERM")).toBe(0);
  });

  test("asynqjs-cron.service runs the ticks once", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "default");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{default}:scheduled", 1, "a");
    const cron = start("asynqjs-cron.service", { "redis-uri": redisUrl });

    expect(await cron.ended()).toBe(0);

    expect(JSON.parse(cron.said())).toMatchObject({ forward: { forwarded: 1 }, failed: [] });
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  });

  test("the README names every unit, and every file that they load", () => {
    for (const unit of units) expect(readme).toContain(unit);
    for (const unit of services) for (const value of values(unit, "LoadCredential")) expect(readme).toContain(path.basename(value));
  });
});
