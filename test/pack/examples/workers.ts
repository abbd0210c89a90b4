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

  "packages/worker-node/README.md: Enqueuing from Node": async (block, around) => {
    expect(around.project.run("npm", "install", "@asynqjs/client-edge").status).toBe(0);
    expect(await startProgram(block, around).ended()).toBe(0);
    expect(await around.redis.llen("asynq:{default}:pending")).toBe(1);
  },

  "packages/worker-node/README.md: Typed tasks": async (block, around) => {
    expect(around.project.run("npm", "install", "@asynqjs/core", "zod").status).toBe(0);
    around.project.write("tasks.ts", block.text);
    expect(await startProgram(block, around).ended()).toBe(0);
  },

  "packages/worker-node/README.md: Typed tasks (2)": async (block, around) => {
    const { redis } = around;
    const client = new Client({ redis: ioredisPort(redis) });
    await client.enqueue(new Task("email:welcome", { to: "ada@example.com" }, { taskId: "a", retentionSec: 60 }));

    const server = startProgram(block, around, {
      prelude: `import { ServeMux, Server } from "@asynqjs/worker-node";
        import { welcome } from "./tasks.js";
        const mux = new ServeMux();
        const sendMail = async (to: string): Promise<string> => "mail to " + to;`,
      epilogue: `await new Server("${around.redisUrl}").run(mux);`,
    });

    await expect.poll(() => redis.hget("asynq:{default}:t:a", "state"), { timeout: 20_000 }).toBe("completed");
    expect(await redis.hget("asynq:{default}:t:a", "result")).toBe('{"messageId":"mail to ada@example.com"}');
    expect(await server.ended("SIGTERM")).toBe(0);
  },

  "packages/worker-node/README.md: Limiting what is done at once": async (block, around) => {
    const { redis } = around;
    const client = new Client({ redis: ioredisPort(redis) });
    await client.enqueue(new Task("email:welcome", undefined, { taskId: "a", retentionSec: 60 }));

    const server = startProgram(block, around, {
      prelude: `import { type ProcessingTask, Semaphore, ServeMux, Server } from "@asynqjs/worker-node";
        class Busy extends Error {}
        const mux = new ServeMux();
        const send = async (task: ProcessingTask): Promise<void> => console.log("sent " + task.id);`,
      epilogue: `await new Server("${around.redisUrl}", { isFailure: (error) => !(error instanceof Busy) }).run(mux);
        await mailer.close();`,
    });

    await expect.poll(() => redis.hget("asynq:{default}:t:a", "state"), { timeout: 20_000 }).toBe("completed");
    expect(server.shown()).toContain("sent a");
    expect(await server.ended("SIGTERM")).toBe(0);
  },

  "packages/worker-node/README.md: Groups": async (block, around) => {
    const { redis } = around;
    const client = new Client({ redis: ioredisPort(redis) });
    for (const to of ["ada", "grace"]) await client.enqueue(new Task("mail", { to }, { group: "today", taskId: to }));

    const server = startProgram(block, around, {
      prelude: 'import { ServeMux } from "@asynqjs/worker-node";',
      epilogue: `const mux = new ServeMux();
        mux.handle("digest", async (task) => console.log("digest", JSON.stringify(task.json())));
        await server.run(mux);`,
      replace: { "groupMaxSize: 500": "groupMaxSize: 2" },
    });

    await expect.poll(server.shown, { timeout: 30_000 }).toContain('digest {"user":"today","mails":[{"to":"ada"},{"to":"grace"}]}');
    expect(await server.ended("SIGTERM")).toBe(0);
  },

  "packages/worker-node/README.md: Metrics": async (block, around) => {
    const client = new Client({ redis: ioredisPort(around.redis) });
    await client.enqueue(new Task("email:welcome"));

    const program = startProgram(block, around, {
      prelude: `import { makeBroker, systemClock, systemRandom } from "@asynqjs/core";
        import { ioredisPort } from "@asynqjs/core/redis/ioredis";
        import { Server } from "@asynqjs/worker-node";
        import { Redis } from "ioredis";
        const server = new Server("${around.redisUrl}");
        const port = ioredisPort(new Redis("${around.redisUrl}"), { managed: true });
        const broker = makeBroker({ redis: port, clock: systemClock, random: systemRandom });
        const show = (...families: Parameters<typeof renderMetrics>): void => console.log(renderMetrics(...families));`,
      epilogue: `await port.close();
        await server.shutdown();`,
      replace: { "\nrenderMetrics(": "\nshow(" },
    });

    expect(await program.ended()).toBe(0);
    expect(program.shown()).toMatch(/^asynq_queue_size\{queue="default"\} 1$/m);
    expect(program.shown()).toMatch(/^asynqjs_/m);
  },
};
