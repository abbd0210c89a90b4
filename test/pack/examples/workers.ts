import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client, Task } from "@asynqjs/client-edge";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { expect } from "vitest";
import { token } from "../../support/gateway-test.ts";
import { type Example, runShell, startProgram } from "../run-example.ts";

/** What servers of the READMEs do: tasks come in, handlers run, a signal ends them. */
export const examples: Readonly<Record<string, Example>> = {
  "README.md: Run handlers on Node": async (block, around) => void (await runShell(block, around)),

  "README.md: Run handlers on Node (2)": async (block, around) => {
    const { redis } = around;
    const client = new Client({ redis: ioredisPort(redis) });
    const kept = { queue: "critical", retentionSec: 60 };
    await client.enqueue(new Task("email:welcome", { to: "ada@example.com" }, { ...kept, taskId: "good" }));
    await client.enqueue(new Task("email:welcome", {}, { ...kept, taskId: "nobody" }));

    const server = startProgram(block, around, {
      prelude: `async function sendMail(to: string, { signal }: { signal: AbortSignal }): Promise<void> {
        signal.throwIfAborted();
        console.log("mailed to " + to);
      }`,
    });

    await expect.poll(() => redis.hget("asynq:{critical}:t:good", "state"), { timeout: 20_000 }).toBe("completed");
    await expect.poll(() => redis.hget("asynq:{critical}:t:nobody", "state"), { timeout: 20_000 }).toBe("archived");
    expect(await redis.hget("asynq:{critical}:t:good", "result")).toBe("sent");
    expect(server.shown()).toContain("mailed to ada@example.com");
    expect(await server.ended("SIGTERM")).toBe(0);
  },

  "README.md: Packages": async (block, around) => {
    const welcome = startProgram(block, around, { env: { REDIS_URL: around.gatewayUrl, REDIS_TOKEN: token } });
    await expect.poll(welcome.shown, { timeout: 20_000 }).toContain("welcome, ada@example.com");
    expect(await welcome.ended("SIGTERM")).toBe(0);
  },

  "packages/worker-node/README.md: @asynqjs/worker-node": async (block, around) => void (await runShell(block, around)),

  "packages/worker-node/README.md: @asynqjs/worker-node (2)": async (block, around) => {
    const { redis } = around;
    const mailer = createServer((request, response) => response.end(`took ${request.url}`));
    await new Promise<void>((resolve) => mailer.listen(0, "127.0.0.1", resolve));
    const client = new Client({ redis: ioredisPort(redis) });
    await client.enqueue(new Task("email:welcome", { to: "ada@example.com" }, { taskId: "a", retentionSec: 60 }));

    const server = startProgram(block, around, {
      replace: { "https://mail.example": `http://127.0.0.1:${(mailer.address() as AddressInfo).port}` },
    });

    await expect.poll(() => redis.hget("asynq:{default}:t:a", "state"), { timeout: 20_000 }).toBe("completed");
    expect(await redis.hget("asynq:{default}:t:a", "result")).toBe("took /send?to=ada%40example.com");
    expect(server.shown()).toMatch(/email:welcome took \d+ ms/);
    expect(await server.ended("SIGTERM")).toBe(0);
    await new Promise((resolve) => mailer.close(resolve));
  },
};
