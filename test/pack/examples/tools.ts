import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { composeTask, makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { encodeTaskMessage } from "@asynqjs/core/wire";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { token } from "../../support/gateway-test.ts";
import { freePort, startRedis } from "../../support/redis-server.ts";
import type { ReadmeBlock } from "../readme-blocks.ts";
import { type Example, ringExample, runShell, type Surroundings, startProgram } from "../run-example.ts";

/** What the other packages' READMEs do. */
export const examples: Readonly<Record<string, Example>> = {
  "packages/core/README.md: @asynqjs/core": async (block, around) => void (await runShell(block, around)),

  "packages/core/README.md: @asynqjs/core (2)": async (block, around) => {
    const program = startProgram(block, around);
    expect(await program.ended()).toBe(0);
    expect(program.shown()).toBe(comments(block.text));
    expect(await around.redis.get("asynq:{default}:processed")).toBe("1");
  },

  "packages/core/README.md: See and steer": async (block, around) => {
    const { redis } = around;
    const broker = makeBroker({ redis: ioredisPort(redis), clock: systemClock, random: systemRandom });
    for (const [taskId, state] of Object.entries({ "of-last-night": "retry", a: "archived", b: "archived" })) {
      const { message } = composeTask(new Task("t", undefined, { taskId }), {}, broker);
      const { bytes } = encodeTaskMessage({ ...message, errorMsg: "no route to host" });
      await redis.hset(`asynq:{default}:t:${taskId}`, { msg: Buffer.from(bytes), state });
      await redis.zadd(`asynq:{default}:${state}`, 1, taskId);
    }
    await redis.sadd("asynq:queues", "default");

    const program = startProgram(block, around, {
      prelude: `import { Redis } from "ioredis"; const client = new Redis("${around.redisUrl}");`,
      epilogue: "process.exit();",
    });

    expect(await program.ended()).toBe(0);
    expect(program.shown()).toBe("of-last-night, one of 1: no route to host\n2\n");
    expect(await redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["b", "a", "of-last-night"]);
  },

  "packages/core/README.md: What is wrong": async (block, around) => {
    const { redis } = around;
    await redis.sadd("asynq:queues", "mail");
    await redis.lpush("asynq:{mail}:pending", "a");
    await redis.hset("asynq:{mail}:t:a", { msg: "", state: "pending", pending_since: "1700000000000000000" });

    const program = startProgram(block, around, {
      prelude: `import { Redis } from "ioredis"; const client = new Redis("${around.redisUrl}");`,
      epilogue: "process.exit();",
    });

    expect(await program.ended()).toBe(0);
    expect(program.shown()).toMatch(/^error\n(?:.*\n)*no-server mail\n/);
    expect(program.shown()).toContain("  do:   start a server\n");
  },

  "packages/core/README.md: How safe an acknowledged task is": async (block, around) => {
    expect(around.project.run("npm", "install", "@asynqjs/client-edge").status).toBe(0);
    const master = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
    const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
    const toReplica = new Redis(replica.port);
    await expect.poll(() => toReplica.info("replication"), { timeout: 20_000 }).toContain("master_link_status:up");

    const program = startProgram(block, around, {
      prelude: `import { Client, Task } from "@asynqjs/client-edge";
        import { Redis } from "ioredis";
        const url = "${master.url}";`,
      epilogue: `await client.enqueue(new Task("t", undefined, { taskId: "a" }));
        process.exit();`,
    });

    expect({ code: await program.ended(), shown: program.shown() }).toEqual({ code: 0, shown: "" });
    expect(await toReplica.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
    toReplica.disconnect();
    for (const server of [replica, master]) await server.stop();
  },

  "packages/cron-fn/README.md: @asynqjs/cron-fn": async (block, around) => {
    await around.redis.sadd("asynq:queues", "critical");
    const reports = (await runShell(block, around)).split("\n").filter((line) => line.startsWith("{"));
    const clean: unknown = expect.objectContaining({ errors: [] });
    expect(reports.map((line) => JSON.parse(line))).toMatchObject([
      { schedule: clean, forward: clean, recover: clean, janitor: clean, repair: clean, failed: [] },
      { recover: clean, failed: [] },
      { janitor: clean, failed: [] },
    ]);
  },

  "packages/cron-fn/README.md: Cloudflare": async (block, around) => {
    await seedDue(around.redis);
    expect(await ringExample(block, around)).toBe("ok");
    expect(await around.redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  },

  "packages/cron-fn/README.md: Cloudflare (2)": async (block, around) => {
    await seedDue(around.redis);
    let rung = (): void => {};
    const once = new Promise<void>((resolve) => {
      rung = resolve;
    });
    const onLog = (line: string): void => {
      if (line.includes('"forwarded":1')) rung();
    };
    // The object outlives the call that starts it.
    expect(await ringExample(block, around, { objects: { TICKS: "Ticks" }, onLog }, once)).toBe("ok");
    expect(await around.redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  },

  "packages/cron-fn/README.md: Vercel": async (block, around) => {
    expect(around.project.run("npm", "install", "hono").status).toBe(0);
    await seedDue(around.redis);
    const secret = "a-secret-of-the-platform";
    const program = startProgram(block, around, {
      epilogue: `for (const presented of [process.env.CRON_SECRET, "another"])
        console.log((await app.request("/api/cron", { headers: { Authorization: "Bearer " + presented } })).status);`,
      env: { REDIS_URL: around.gatewayUrl, REDIS_TOKEN: token, CRON_SECRET: secret },
    });
    expect({ code: await program.ended(), shown: program.shown() }).toEqual({ code: 0, shown: "200\n401\n" });
    expect(await around.redis.lrange("asynq:{default}:pending", 0, -1)).toEqual(["a"]);
  },

  "packages/cron-fn/README.md: Node": async (block, around) => {
    await around.redis.sadd("asynq:queues", "default");
    const program = startProgram(block, around, { env: { REDIS_URL: around.gatewayUrl, REDIS_TOKEN: token } });
    expect(await program.ended()).toBe(0);
    expect(program.shown()).toMatch(/forwarded: 0,[\s\S]*recovered: 0,/);
  },

  "packages/cron-fn/README.md: Cron entries": async (block, around) => {
    const program = startProgram(block, around, {
      prelude: `import { makeBroker, systemClock, systemRandom } from "@asynqjs/core";
        import { fetchRedis } from "@asynqjs/core/redis/fetch";
        const redis = fetchRedis({ url: process.env.REDIS_URL!, token: process.env.REDIS_TOKEN! });
        const broker = makeBroker({ redis, clock: systemClock, random: systemRandom });`,
      env: { REDIS_URL: around.gatewayUrl, REDIS_TOKEN: token },
    });
    expect({ code: await program.ended(), shown: program.shown() }).toEqual({ code: 0, shown: "" });
    expect(await around.redis.hkeys("asynq:js:cron")).toEqual(["report"]);
  },

  "packages/cron-fn/README.md: Scheduler": async (block, around) => {
    await runsUntilTold(block, around, 2);
  },

  "packages/cron-fn/README.md: Scheduler (2)": async (block, around) => {
    await runsUntilTold(block, around, 1);
  },

  "packages/gateway/README.md: @asynqjs/gateway": async (block, around) => {
    const missing = ["curl", "openssl"].find((tool) => spawnSync(tool, ["version"]).error !== undefined);
    if (missing !== undefined) around.skip(`no ${missing} on this machine`);
    const port = await freePort();
    const shown = await runShell(block, around, { replace: { 8079: String(port) } });
    expect(shown).toContain(comments(block.text).trim());
    expect(await around.redis.ttl("key")).toBeGreaterThan(90);
  },

  "packages/gateway/README.md: @asynqjs/gateway (2)": async (block, around) => {
    expect(around.project.run("npm", "install", "@asynqjs/gateway", "@upstash/redis").status).toBe(0);
    writeFileSync(path.join(around.project.dir, "tokens"), `${token}\n`);
    const program = startProgram(block, around, { replace: { "tokens: [token] }": "tokens: [token], port: 0 }" } });
    expect({ code: await program.ended(), shown: program.shown() }).toEqual({ code: 0, shown: "" });
    expect(await around.redis.get("greeting")).toBe("hello");
  },
};

/** Runs until Asynq's tools are told of so many periodic tasks, and ends when it is told to. */
async function runsUntilTold(block: ReadmeBlock, around: Surroundings, entries: number): Promise<void> {
  const program = startProgram(block, around);
  const told = async (): Promise<number> => {
    const [key] = await around.redis.zrange("asynq:schedulers", "0", "-1");
    return key === undefined ? 0 : around.redis.llen(key);
  };
  await expect.poll(told, { timeout: 20_000 }).toBe(entries);
  expect(await program.ended("SIGTERM")).toBe(0);
  expect(await told()).toBe(0);
}

/** A task that is due. */
async function seedDue(redis: Redis): Promise<void> {
  await redis.sadd("asynq:queues", "default");
  await redis.hset("asynq:{default}:t:a", "msg", "m", "state", "scheduled");
  await redis.zadd("asynq:{default}:scheduled", 1, "a");
}

/** What an example says that it prints, each in a comment of its own. */
function comments(text: string): string {
  return Array.from(text.matchAll(/(?:\); \/\/|^#) (.*)$/gm), ([, said]) => `${said}\n`).join("");
}
