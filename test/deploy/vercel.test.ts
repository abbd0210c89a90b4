import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { startGateway } from "@asynqjs/gateway";
import { getRequestListener } from "@hono/node-server";
import { EdgeRuntime } from "edge-runtime";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import type { Project } from "../pack/project-test.ts";
import { expect, test as redisTest } from "../support/redis-test.ts";
import { readCurls } from "./read-curl.ts";
import { installRecipe, readRecipe } from "./recipe.ts";

const secrets = { ENQUEUE_SECRET: "a-secret-of-those-who-enqueue", CRON_SECRET: "a-secret-of-the-platform" };
const token = "a-token-for-tests";

const config: {
  readonly crons: readonly { readonly path: string; readonly schedule: string }[];
  readonly functions: Readonly<Record<string, { readonly maxDuration: number }>>;
} = JSON.parse(readRecipe("vercel/vercel.json"));

type Handler = (request: Request) => Response | Promise<Response>;
type Ask = (path: string, init?: RequestInit) => Promise<Response>;

let project: Project;
beforeAll(() => {
  project = installRecipe("vercel");
}, 60_000);
afterAll(() => project.remove());

/** A function as Vercel bundles it: one file, its packages by the conditions of the runtime. */
async function bundle(name: string, runtime: "node" | "edge"): Promise<string> {
  const outfile = path.join(project.dir, `out/${name}.${runtime}.mjs`);
  const common = { entryPoints: [path.join(project.dir, `api/${name}.ts`)], bundle: true, target: "es2022" };
  if (runtime === "node") {
    await build({ ...common, outfile, platform: "node", format: "esm" });
    return outfile;
  }
  const { outputFiles } = await build({
    ...{ ...common, write: false, platform: "neutral", format: "iife", globalName: "handlers" },
    ...{ mainFields: ["module", "main"], conditions: ["edge-light", "worker", "browser"] },
    // For a file of cron entries, which nobody reads here.
    external: ["fs", "fs/promises"],
  });
  return outputFiles[0]!.text;
}

/** The functions on Node, each exported method called as Vercel calls it, behind a server. */
async function onNode(env: Readonly<Record<string, string>>): Promise<Ask> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  const handlers = new Map<string, Readonly<Record<string, Handler>>>();
  for (const name of ["enqueue", "cron"]) {
    const url = pathToFileURL(await bundle(name, "node"));
    // A new one for each test, as each has another Redis.
    handlers.set(`/api/${name}`, await import(/* @vite-ignore */ `${url.href}?${Math.random()}`));
  }
  const server = createServer(
    getRequestListener((request) => {
      const handle = handlers.get(new URL(request.url).pathname)?.[request.method];
      return handle?.(request) ?? new Response(null, { status: handlers.has(new URL(request.url).pathname) ? 405 : 404 });
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
  });
  return (path, init) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, init);
}

/** The functions in the virtual machine of Vercel's edge runtime. */
async function onEdge(env: Readonly<Record<string, string>>): Promise<Ask> {
  const runtimes = new Map<string, EdgeRuntime>();
  for (const name of ["enqueue", "cron"]) {
    const initialCode = `globalThis.process = { env: ${JSON.stringify(env)} };
      ${await bundle(name, "edge")}
      addEventListener("fetch", (event) => event.respondWith(handlers[event.request.method](event.request)));`;
    runtimes.set(`/api/${name}`, new EdgeRuntime({ initialCode }));
  }
  return async (path, init) => (await runtimes.get(path)!.dispatchFetch(`http://localhost${path}`, init ?? {})) as unknown as Response;
}

const test = redisTest.extend<{ env: Readonly<Record<string, string>> }>({
  env: async ({ redisUrl }, use) => {
    const gateway = await startGateway({ redis: redisUrl, tokens: [token], port: 0 });
    await use({ REDIS_URL: gateway.url, REDIS_TOKEN: token, ...secrets });
    await gateway.close();
  },
});

const post = (body: unknown, secret: string = secrets.ENQUEUE_SECRET): RequestInit => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
});
const welcome = { type: "email:welcome", payload: { to: "ada@example.com" }, options: { queue: "critical" } };

describe.each([
  ["on Node, behind a server", onNode],
  ["in Vercel's edge runtime", onEdge],
] as const)("the functions of deploy/vercel, %s", (_, start) => {
  test("enqueue for who knows the secret, and for nobody else", async ({ env, redis }) => {
    const ask = await start(env);

    const response = await ask("/api/enqueue", post(welcome));

    expect([response.status, await response.json()]).toMatchObject([202, { verdict: "enqueued", queue: "critical", state: "pending" }]);
    expect((await ask("/api/enqueue", post(welcome, "another-secret-than-that-one"))).status).toBe(401);
    expect((await ask("/api/enqueue", post({ ...welcome, type: "other" }))).status).toBe(403);
    expect((await ask("/api/enqueue")).status).toBe(405);
    expect(await redis.llen("asynq:{critical}:pending")).toBe(1);
  });

  test("run what is due when Vercel's cron calls, and for nobody else", async ({ env, redis }) => {
    await redis.sadd("asynq:queues", "default");
    await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{default}:scheduled", 1, "a");
    const ask = await start(env);
    const { path } = config.crons[0]!;
    const call = (secret: string) => ask(path, { headers: { Authorization: `Bearer ${secret}`, "User-Agent": "vercel-cron/1.0" } });

    expect((await call("another-secret-than-that-one")).status).toBe(401);
    expect(await redis.exists("asynq:{default}:pending")).toBe(0);
    const response = await call(secrets.CRON_SECRET);

    expect([response.status, await response.json()]).toMatchObject([200, { schedule: {}, forward: { forwarded: 1 }, failed: [] }]);
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  });

  test("answer the requests of the README as the README says", async ({ env, redis }) => {
    const ask = await start(env);
    const [enqueue, cron, ...others] = readCurls(readRecipe("vercel/README.md"), secrets);
    expect(others).toEqual([]);

    const answers = await Promise.all([enqueue!, cron!].map(({ url, init }) => ask(url.pathname, init)));

    expect(answers.map(({ status }) => status)).toEqual([202, 200]);
    expect(await answers[0]!.json()).toEqual({ verdict: "enqueued", taskId: expect.any(String), queue: "critical", state: "pending" });
    expect(await answers[1]!.json()).toMatchObject({ schedule: {}, forward: {}, failed: [] });
    expect(await redis.llen("asynq:{critical}:pending")).toBe(1);
  });

  test("are closed where no secret is set", async ({ env, redis }) => {
    const ask = await start({ ...env, ENQUEUE_SECRET: "", CRON_SECRET: "" });

    expect((await ask("/api/enqueue", post(welcome))).status).toBe(503);
    expect((await ask("/api/cron", { headers: { Authorization: "Bearer " } })).status).toBe(503);

    expect(await redis.dbsize()).toBe(0);
  });
});

describe("deploy/vercel", () => {
  test("is compiled by a strict compiler", () => {
    expect(project.compile({ lib: ["ES2023", "DOM"], noEmit: true }, "api/enqueue.ts", "api/cron.ts")).toBe("");
  }, 60_000);

  test("has a function for each path that its configuration names, with time to end in, and a README that names its secrets", () => {
    const functions = Object.keys(config.functions);
    expect(functions.sort()).toEqual(["api/cron.ts", "api/enqueue.ts"]);
    expect(config.crons).toEqual([{ path: "/api/cron", schedule: "* * * * *" }]);
    const [, budget] = /budgetMs: ([\d_]+)/.exec(readRecipe("vercel/api/cron.ts"))!;
    expect(Number(budget!.replace("_", ""))).toBeLessThan(config.functions["api/cron.ts"]!.maxDuration * 1000);
    const readme = readRecipe("vercel/README.md");
    for (const name of ["REDIS_URL", "REDIS_TOKEN", ...Object.keys(secrets)]) expect(readme).toMatch(new RegExp(`vercel env add ${name} `));
  });
});
