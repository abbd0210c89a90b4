import { readFileSync } from "node:fs";
import path from "node:path";
import { type GatewayToken, startGateway } from "@asynqjs/gateway";
import type { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import type { Project } from "../pack/project-test.ts";
import { expect, test as redisTest } from "../support/redis-test.ts";
import { runWorker } from "../support/run-worker.ts";
import { readCurls } from "./read-curl.ts";
import { installRecipe, readRecipe } from "./recipe.ts";

const secret = "a-secret-of-thirty-two-characters";
const tokens = { enqueue: "token-that-only-enqueues", full: "token-of-the-cron-worker" };

const names = ["enqueue", "cron", "alarm"] as const;
type WorkerName = (typeof names)[number];

let project: Project;
const modules = new Map<WorkerName, string>();
/** What `wrangler deploy --dry-run` said of each. */
const said = new Map<WorkerName, string>();

beforeAll(() => {
  project = installRecipe("cloudflare");
  for (const name of names) {
    const out = path.join(project.dir, "out", name);
    const { status, stdout, stderr } = project.runTool(
      "wrangler",
      "deploy",
      "--dry-run",
      "--config",
      `${name}/wrangler.jsonc`,
      "--outdir",
      out,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    said.set(name, stdout);
    modules.set(name, readFileSync(path.join(out, "index.js"), "utf8"));
  }
}, 120_000);
afterAll(() => project.remove());

const test = redisTest.extend<{ start: (name: WorkerName, texts?: Readonly<Record<string, string>>) => Miniflare; logs: string[] }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  logs: async ({}, use) => use([]),
  start: async ({ redisUrl, logs }, use) => {
    const roles: GatewayToken[] = [{ token: tokens.enqueue, role: "enqueue", queues: ["critical", "default"] }, tokens.full];
    const gateway = await startGateway({ redis: redisUrl, tokens: roles, port: 0 });
    const workers: Miniflare[] = [];
    await use((name, texts = {}) => {
      const { compatibility_date, vars, durable_objects } = readConfig({ config: path.join(project.dir, name, "wrangler.jsonc") });
      const token = name === "enqueue" ? tokens.enqueue : tokens.full;
      const env = { REDIS_URL: gateway.url, REDIS_TOKEN: token, ENQUEUE_SECRET: secret, ...(vars as Record<string, string>), ...texts };
      const objects = Object.fromEntries(bindingsOf(durable_objects).map(({ name: binding, class_name }) => [binding, class_name]));
      const worker = runWorker(modules.get(name)!, compatibility_date!, env, { objects, onLog: (line) => logs.push(line) });
      workers.push(worker);
      return worker;
    });
    for (const worker of workers) await worker.dispose();
    await gateway.close();
  },
});

interface ObjectBinding {
  readonly name: string;
  readonly class_name: string;
}

function bindingsOf({ bindings }: { readonly bindings: unknown }): readonly ObjectBinding[] {
  return bindings as ObjectBinding[];
}

async function ring(worker: Miniflare): Promise<string> {
  const service = (await worker.getWorker()) as unknown as { scheduled(options: object): Promise<{ readonly outcome: string }> };
  return (await service.scheduled({ cron: "* * * * *" })).outcome;
}

describe("what wrangler makes of deploy/cloudflare", () => {
  test("is compiled by a strict compiler against the runtime's own types", () => {
    const config = ["--config", "enqueue/wrangler.jsonc", "--include-env=false"];
    expect(project.runTool("wrangler", "types", "runtime.d.ts", ...config).status).toBe(0);
    const bundled = { module: "ES2022", moduleResolution: "Bundler", lib: ["ES2023"], types: [], noEmit: true };
    expect(project.compile(bundled, "runtime.d.ts", ...names.map((name) => `${name}/index.ts`))).toBe("");
  }, 60_000);

  test("has the triggers, bindings and secrets that the README names, and no secret in a file", () => {
    const readme = readRecipe("cloudflare/README.md");
    for (const name of names) {
      const { triggers, vars, secrets, main, durable_objects } = readConfig({ config: path.join(project.dir, name, "wrangler.jsonc") });
      expect(main).toMatch(/index\.ts$/);
      expect(triggers.crons ?? []).toEqual(name === "enqueue" ? [] : ["* * * * *"]);
      for (const key of secrets!.required!) {
        expect(readme).toContain(`wrangler secret put ${key} --config ${name}/wrangler.jsonc`);
        expect(vars).not.toHaveProperty(key);
      }
      for (const key of Object.keys(vars)) expect(readme).toContain(`\`${key}\``);
      expect(bindingsOf(durable_objects).map(({ class_name }) => class_name)).toEqual(name === "alarm" ? ["Ticks"] : []);
      expect(said.get(name)).toContain("--dry-run: exiting now.");
    }
  });

  test("pins the wrangler that built it here", () => {
    const { devDependencies } = JSON.parse(readRecipe("cloudflare/package.json"));
    const { version } = JSON.parse(readFileSync(new URL("../node_modules/wrangler/package.json", import.meta.url), "utf8"));
    expect(devDependencies.wrangler).toBe(version);
  });
});

describe("the enqueue Worker, in workerd", () => {
  const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) => ({
    method: "POST",
    body: JSON.stringify(body),
    headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json", ...headers },
  });
  const welcome = { type: "email:welcome", payload: { to: "ada@example.com" }, options: { queue: "critical" } };

  test("makes a task of a request, with a token that may do nothing else", async ({ start, redis }) => {
    const worker = start("enqueue");
    expect(await redis.exists("asynq:{critical}:pending")).toBe(0);

    const response = await worker.dispatchFetch("http://worker/tasks", post(welcome));

    expect(response.status).toBe(202);
    const { taskId, state } = (await response.json()) as { readonly taskId: string; readonly state: string };
    expect(state).toBe("pending");
    expect(await redis.lrange("asynq:{critical}:pending", 0, -1)).toEqual([taskId]);
    expect(await redis.smembers("asynq:queues")).toEqual(["critical"]);
  });

  test("answers the request of the README as the README says", async ({ start, redis }) => {
    const [request, ...others] = readCurls(readRecipe("cloudflare/README.md"), { ENQUEUE_SECRET: secret });
    expect(others).toEqual([]);
    const { name } = readConfig({ config: path.join(project.dir, "enqueue/wrangler.jsonc") });
    expect(request!.url.host).toBe(`${name}.your-subdomain.workers.dev`);

    const response = await start("enqueue").dispatchFetch(request!.url, request!.init);

    const said = { verdict: "enqueued", taskId: expect.any(String), queue: "critical", state: "pending" };
    expect([response.status, await response.json()]).toEqual([202, said]);
    expect(await redis.llen("asynq:{critical}:pending")).toBe(1);
  });

  test("takes the secret before too, while callers move", async ({ start, redis }) => {
    const worker = start("enqueue", { ENQUEUE_SECRET: "the-new-secret-of-the-caller", ENQUEUE_SECRET_OLD: secret });

    expect((await worker.dispatchFetch("http://worker/tasks", post(welcome))).status).toBe(202);

    expect(await redis.llen("asynq:{critical}:pending")).toBe(1);
  });

  test("refuses who does not know the secret, and what is not to be enqueued, and writes nothing", async ({ start, redis }) => {
    const worker = start("enqueue");
    const ask = async (init: object, path = "/tasks") => (await worker.dispatchFetch(`http://worker${path}`, init)).status;

    expect(await ask(post(welcome), "/")).toBe(404);
    expect(await ask({ method: "GET" })).toBe(405);
    expect(await ask(post(welcome, { Authorization: "" }))).toBe(401);
    expect(await ask(post(welcome, { Authorization: `Bearer ${secret}x` }))).toBe(401);
    expect(await ask(post({ ...welcome, type: "other" }))).toBe(403);
    expect(await ask(post({ ...welcome, options: { queue: "low" } }))).toBe(403);
    expect(await ask(post({ ...welcome, payload: "x".repeat(70_000) }))).toBe(413);
    expect((await start("enqueue", { ENQUEUE_SECRET: "short" }).dispatchFetch("http://worker/tasks", post(welcome))).status).toBe(503);

    expect(await redis.dbsize()).toBe(0);
  });

  test("says where Redis refuses it, and tells nobody why", async ({ start, logs }) => {
    const worker = start("enqueue", { REDIS_TOKEN: "not-one-of-the-gateway" });

    const response = await worker.dispatchFetch("http://worker/tasks", post(welcome));

    expect([response.status, await response.text()]).toEqual([503, expect.not.stringContaining("gateway")]);
    await expect.poll(() => logs).toEqual(["enqueue: REDIS"]);
  });
});

describe("the cron Worker, in workerd", () => {
  test("makes due tasks pending at a scheduled event, and has no address", async ({ start, redis, logs }) => {
    const worker = start("cron");
    await redis.sadd("asynq:queues", "default");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{default}:scheduled", 1, "a");

    expect(await ring(worker)).toBe("ok");

    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
    await expect.poll(() => logs.length).toBe(1);
    expect(JSON.parse(logs[0]!)).toMatchObject({
      schedule: {},
      forward: { forwarded: 1 },
      recover: {},
      janitor: {},
      repair: {},
      failed: [],
    });
    expect(readConfig({ config: path.join(project.dir, "cron/wrangler.jsonc") }).workers_dev).toBe(false);
  });

  test("shows as failed where Redis cannot be reached", async ({ start }) => {
    expect(await ring(start("cron", { REDIS_TOKEN: "not-one-of-the-gateway" }))).toBe("exception");
  });
});

describe("the Durable Object, in workerd", () => {
  test("is started by a scheduled event, and then makes due tasks pending by its own alarm", async ({ start, redis, logs }) => {
    const worker = start("alarm", { TICK_EVERY_MS: "200" });
    await redis.sadd("asynq:queues", "default");

    expect([await ring(worker), await ring(worker)]).toEqual(["ok", "ok"]);
    // The clock of its alarms is workerd's.
    await expect.poll(() => logs.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(2);
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{default}:scheduled", 1, "a");

    await expect.poll(() => redis.lrange("asynq:{default}:pending", 0, -1), { timeout: 15_000 }).toEqual(["a"]);
  });
});
