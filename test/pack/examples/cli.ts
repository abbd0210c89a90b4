import { composeTask, makeBroker, systemClock, systemRandom, Task } from "@asynqjs/core";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { encodeTaskMessage } from "@asynqjs/core/wire";
import type { Redis } from "ioredis";
import { expect } from "vitest";
import { startRedis } from "../../support/redis-server.ts";
import type { ReadmeBlock } from "../readme-blocks.ts";
import { type Example, runShell, type Surroundings } from "../run-example.ts";

/** Installed for this project alone, and found as if it were for all. */
const onPath = { prelude: 'PATH="$PWD/node_modules/.bin:$PATH"' };

const shell = (block: ReadmeBlock, around: Surroundings): Promise<string> => runShell(block, around, onPath);

/** What the README of the CLI does. */
export const examples: Readonly<Record<string, Example>> = {
  "packages/cli/README.md: @asynqjs/cli": async (block, around) => {
    const replace = { " --global": "", "127.0.0.1:6379": around.redisUrl };
    expect(await runShell(block, around, { ...onPath, replace })).toContain("Task Count by State");
  },

  "packages/cli/README.md: Where Redis is": async ({ text }, { project }) => {
    const server = await startRedis({ args: ["--requirepass", "secret"] });
    const here = text.replace("redis.example.com:6379", `127.0.0.1:${server.port}`).replace("tls: true", "tls: false");
    expect(here).not.toBe(text);
    project.write(".asynq.yaml", here);
    expect(project.run("env", `HOME=${project.dir}`, "npx", "asynqjs", "stats")).toMatchObject({ status: 0 });
    await server.stop();
  },

  "packages/cli/README.md: Queues": async (block, around) => {
    await seed(around.redis, "mail", "a");
    const shown = await shell(block, around);
    expect(shown).toContain('Successfully paused queue "mail"');
    expect(shown).toContain("No running servers");
  },

  "packages/cli/README.md: Queues (2)": async (block, around) => {
    await seed(around.redis, "mail", "a");
    expect(await shell(block, around)).toBe('Successfully removed queue "mail"\n');
    expect(await around.redis.exists("asynq:queues")).toBe(0);
  },

  "packages/cli/README.md: Cron entries": async (block, around) => {
    const shown = await shell(block, around);
    expect(shown).toMatch(/Enqueued task nightly:now:\S+ to queue low/);
    expect(await around.redis.llen("asynq:{low}:pending")).toBe(1);
    expect(await around.redis.exists("asynq:js:cron")).toBe(0);
  },

  "packages/cli/README.md: Cron entries (2)": async (block, around) => {
    expect(JSON.parse(await shell(block, around))).toMatchObject({ forward: {}, failed: [] });
  },

  "packages/cli/README.md: In a terminal, in a script": async (block, around) => {
    await shell(block, around);
    expect(around.project.run("bash", "-c", "source ./asynqjs.bash && complete -p asynqjs").stdout).toBe("complete -F _asynqjs asynqjs\n");
  },

  "packages/cli/README.md: Figures for Prometheus: `asynqjs metrics`": async (block, around) => {
    await seed(around.redis, "mail", "a");
    const replace = { "asynqjs metrics --serve --host=0.0.0.0": "asynqjs metrics --serve --port=0 2>served &" };
    // It serves until it is told to stop, and then ends by itself.
    const epilogue = "until grep -s '^metrics at' served; do kill -0 $!; sleep 0.1; done; kill $!; wait $!";
    const shown = await runShell(block, around, { ...onPath, replace, epilogue });
    expect(shown).toContain('asynq_queue_size{queue="mail"} 1\n');
    expect(shown).toMatch(/^metrics at http:\/\/127\.0\.0\.1:\d+\/metrics$/m);
  },

  "packages/cli/README.md: Tasks": async (block, around) => {
    await seed(around.redis, "low", "7837f142", "retry");
    expect(await shell(block, around)).toContain("task is now pending");
  },

  "packages/cli/README.md: Tasks (2)": async (block, around) => {
    await seed(around.redis, "low", "7837f142", "archived");
    await shell(block, around);
    expect(await around.redis.zcard("asynq:{low}:archived")).toBe(1);
  },

  "packages/cli/README.md: Tasks (3)": async (block, around) => {
    await seed(around.redis, "low", "7837f142", "archived");
    await shell(block, around);
    expect(await around.redis.zrange("asynq:{low}:scheduled", "0", "-1")).toEqual(["7837f142"]);
  },
};

/** A task that failed for want of time, unless it is pending. */
async function seed(redis: Redis, queue: string, taskId: string, state: "pending" | "retry" | "archived" = "pending"): Promise<void> {
  const broker = makeBroker({ redis: ioredisPort(redis), clock: systemClock, random: systemRandom });
  const { message } = composeTask(new Task("email:send", { user: { id: 7 } }, { queue, taskId }), {}, broker);
  const { bytes } = encodeTaskMessage({ ...message, ...(state === "pending" ? {} : { errorMsg: "timeout" }) });
  await redis.sadd("asynq:queues", queue);
  await redis.hset(`asynq:{${queue}}:t:${taskId}`, { msg: Buffer.from(bytes), state });
  if (state === "pending") await redis.lpush(`asynq:{${queue}}:pending`, taskId);
  else await redis.zadd(`asynq:{${queue}}:${state}`, 1, taskId);
}
