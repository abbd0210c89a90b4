import { connect } from "node:net";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { type ServerType, serve } from "@hono/node-server";
import { Hono } from "hono";
import { describe, vi } from "vitest";
import { expect, test as redisTest } from "../../../test/support/redis-test.ts";
import { cronRoutes } from "./cron-routes.ts";
import type { TickSetup } from "./tick-setup.ts";

const secret = "a-secret-of-the-platform";

interface RouteFixtures {
  /** What the next calls set up; what it throws, they meet. */
  readonly setUp: { now: () => TickSetup };
  readonly port: number;
  readonly call: (options?: { method?: string; authorization?: string; path?: string }) => Promise<{
    readonly status: number;
    readonly headers: Headers;
    readonly body: unknown;
  }>;
}

const bearer = `Bearer ${secret}`;

const test = redisTest.extend<RouteFixtures>({
  setUp: async ({ redis }, use) => use({ now: () => ({ redis: ioredisPort(redis) }) }),
  port: async ({ setUp }, use) => {
    const app = new Hono();
    app.route(
      "/api/cron",
      cronRoutes(() => setUp.now()),
    );
    vi.stubEnv("CRON_SECRET", secret);
    let server: ServerType | undefined;
    const port = await new Promise<number>((resolve) => {
      server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => resolve(info.port));
    });
    await use(port);
    await new Promise((resolve) => server!.close(resolve));
    vi.unstubAllEnvs();
  },
  call: async ({ port }, use) =>
    use(async ({ method = "GET", authorization = bearer, path = "/api/cron" } = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: authorization === "" ? {} : { Authorization: authorization },
      });
      return { status: response.status, headers: response.headers, body: await response.json().catch(() => undefined) };
    }),
});

describe("cronRoutes", () => {
  test("runs what is due for whoever knows the secret, by GET and by POST, and answers the report", async ({ call, redis }) => {
    for (const method of ["GET", "POST"]) {
      await redis.sadd("asynq:queues", "default");
      await redis.hset(`asynq:{default}:t:${method}`, "msg", "m", "state", "scheduled");
      await redis.zadd("asynq:{default}:scheduled", 1, method);

      const { status, headers, body } = await call({ method });

      expect({ status, body }).toMatchObject({ status: 200, body: { forward: { forwarded: 1 }, recover: {}, failed: [], more: false } });
      expect(headers.get("content-type")).toBe("application/json");
      expect(headers.get("cache-control")).toBe("no-store");
    }
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["POST", "GET"]);
  });

  test.for([
    "",
    secret,
    "Bearer",
    "Bearer ",
    `Bearer ${secret}x`,
    `Bearer ${secret.slice(1)}`,
    `Basic ${secret}`,
    `Bearer ${secret.toUpperCase()}`,
  ])("asks Redis nothing for %o", async (authorization, { call, setUp }) => {
    setUp.now = () => expect.unreachable("set up for a stranger");

    const { status, headers, body } = await call({ authorization });

    expect({ status, body }).toEqual({ status: 401, body: { error: "unauthorized" } });
    expect(headers.get("www-authenticate")).toBe("Bearer");
  });

  test.for(["", "short"])("is closed to everybody where the secret is %o", async (set, { call, setUp }) => {
    vi.stubEnv("CRON_SECRET", set);
    setUp.now = () => expect.unreachable("set up without a secret");

    for (const authorization of ["", "Bearer ", `Bearer ${set}`, bearer])
      expect(await call({ authorization })).toMatchObject({ status: 503 });
  });

  test("is closed to everybody where no secret is set", async ({ call }) => {
    vi.stubEnv("CRON_SECRET", undefined);

    expect(await call({ authorization: "Bearer undefined" })).toMatchObject({ status: 503 });
  });

  test("takes no other method and no other path", async ({ call, setUp }) => {
    setUp.now = () => expect.unreachable("set up for another method");
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const { status, headers } = await call({ method });
      expect([status, headers.get("allow")]).toEqual([405, "GET, POST"]);
    }
    expect(await call({ path: "/api/cron/forward" })).toMatchObject({ status: 404 });
  });

  test("answers 500 and names what failed when a tick has, after all others have run", async ({ call, redis }) => {
    await redis.sadd("asynq:queues", "broken", "open");
    await redis.set("asynq:{broken}:pending", "in the way");
    await redis.hset("asynq:{open}:t:a", "msg", "m", "state", "scheduled");
    await redis.zadd("asynq:{open}:scheduled", 1, "a");

    expect(await call()).toMatchObject({
      status: 500,
      body: { forward: { forwarded: 1 }, recover: {}, failed: [{ tick: "forward", queue: "broken", error: { code: "REDIS" } }] },
    });
  });

  test("answers 500 where Redis is away or the setting up fails, and tells nothing that is not ours", async ({ call, setUp }) => {
    setUp.now = () => {
      throw new Error("cannot reach redis://user:password@host");
    };
    expect(await call()).toMatchObject({ status: 500, body: { error: { message: "Error" } } });

    const { Redis } = await import("ioredis");
    const nobody = new Redis(1, { lazyConnect: true, retryStrategy: null });
    nobody.on("error", () => {});
    setUp.now = () => ({ redis: ioredisPort(nobody, { timeoutMs: 200 }) });
    expect(await call()).toMatchObject({ status: 500, body: { error: { code: "REDIS" } } });
    nobody.disconnect();
  });

  test("called several times at once does what one call does", async ({ call, redis }) => {
    await redis.sadd("asynq:queues", "default");
    for (let i = 0; i < 250; i++) {
      await redis.hset(`asynq:{default}:t:${i}`, "msg", "m", "state", "scheduled");
      await redis.zadd("asynq:{default}:scheduled", 1, String(i));
    }

    const answers = await Promise.all([call(), call({ method: "POST" }), call()]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.reduce((sum, { body }) => sum + (body as { forward: { forwarded: number } }).forward.forwarded, 0)).toBe(250);
    expect(new Set(await redis.lrange("asynq:{default}:pending", 0, -1)).size).toBe(250);
  });

  test("reads no body, however large it says to be", async ({ port }) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(`POST /api/cron HTTP/1.1\r\nHost: h\r\nAuthorization: ${bearer}\r\nContent-Length: 1000000000\r\n\r\n`);
    const [first] = (await new Promise<Buffer>((resolve) => socket.once("data", resolve))).toString().split("\r\n");
    socket.destroy();

    expect(first).toBe("HTTP/1.1 200 OK");
  });
});
