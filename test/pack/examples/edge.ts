import { expect } from "vitest";
import { token } from "../../support/gateway-test.ts";
import type { ReadmeBlock } from "../readme-blocks.ts";
import { askExample, type Example, runShell, serveExample, startProgram } from "../run-example.ts";

const shopSecret = "0123456789abcdef0123456789abcdef";

/** The Worker with the endpoint, which those who send to it come after. */
let endpoint: ReadmeBlock;

/** What Workers of the READMEs do: a request makes a task. */
export const examples: Readonly<Record<string, Example>> = {
  "README.md: Enqueue from the edge": async (block, around) => void (await runShell(block, around)),

  "README.md: Enqueue from the edge (2)": async (block, around) => {
    const [status, answer] = await askExample(block, around, { to: "ada@example.com" });
    expect({ status, answer }).toEqual({ status: 200, answer: { id: expect.any(String), state: "pending" } });
    expect(await around.redis.lrange("asynq:{critical}:pending", 0, -1)).toEqual([(answer as { id: string }).id]);
    expect(await around.redis.keys("asynq:{critical}:unique:*")).toHaveLength(1);
  },

  "packages/client-edge/README.md: @asynqjs/client-edge": async (block, around) => void (await runShell(block, around)),

  "packages/client-edge/README.md: @asynqjs/client-edge (2)": async (block, around) => {
    const [status, answer] = await askExample(block, around, { orderId: "17" });
    expect({ status, answer }).toEqual({ status: 202, answer: { id: expect.any(String), state: "scheduled" } });
    expect(await around.redis.zscore("asynq:{critical}:scheduled", (answer as { id: string }).id)).not.toBeNull();
  },

  "packages/client-edge/README.md: @asynqjs/client-edge (3)": async (block, around) => {
    const program = startProgram(block, around, {
      prelude: `import { Client, Task, withMiddleware } from "@asynqjs/client-edge";
        const client = new Client({ url: process.env.REDIS_URL!, token: process.env.REDIS_TOKEN! });
        const welcome = (payload: { to: string }) => new Task("email:welcome", payload, { taskId: "a" });
        const currentTraceparent = () => "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        const to = "ada@example.com";`,
      env: { REDIS_URL: around.gatewayUrl, REDIS_TOKEN: token },
    });
    expect({ code: await program.ended(), shown: program.shown() }).toEqual({ code: 0, shown: "" });
    expect(String(await around.redis.hgetBuffer("asynq:{default}:t:a", "msg"))).toMatch(/traceparent[\s\S]*00-4bf92f35/);
  },

  "packages/client-edge/README.md: @asynqjs/client-edge (4)": async (block, around) => {
    expect(around.project.run("npm", "install", "@upstash/redis").status).toBe(0);
    const program = startProgram(block, around, {
      prelude: "const { REDIS_URL: url, REDIS_TOKEN: token } = process.env as { REDIS_URL: string; REDIS_TOKEN: string };",
      epilogue: 'await client.enqueue(new Task("email:welcome", undefined, { taskId: "by-upstash" }));',
      env: { REDIS_URL: around.gatewayUrl, REDIS_TOKEN: token },
    });
    expect({ code: await program.ended(), shown: program.shown() }).toEqual({ code: 0, shown: "" });
    expect(await around.redis.lrange("asynq:{default}:pending", 0, -1)).toContain("by-upstash");
  },

  "packages/client-edge/README.md: An endpoint that enqueues": async (block, around) => void (await runShell(block, around)),

  "packages/client-edge/README.md: An endpoint that enqueues (2)": async (block, around) => {
    endpoint = block;
    await serveExample(block, around, {}, async (url) => {
      const closed = await fetch(`${url}/tasks`, { method: "POST", headers: { Authorization: `Bearer ${shopSecret}` }, body: "{}" });
      expect(closed.status).toBe(503);
    });
  },

  "packages/client-edge/README.md: An endpoint that enqueues (3)": (block, around) =>
    serveExample(endpoint, around, { SHOP_SECRET: shopSecret }, async (url) => {
      const shown = await runShell(block, around, { prelude: `ENDPOINT=${url}/tasks SHOP_SECRET=${shopSecret}` });
      expect(block.text).toContain(`# ${shown}`);
      expect(await around.redis.lrange("asynq:{mail}:pending", 0, -1)).toEqual(["shop:welcome-17"]);
    }),

  "packages/client-edge/README.md: An endpoint that enqueues (4)": (block, around) =>
    serveExample(endpoint, around, { SHOP_SECRET_OLD: shopSecret }, async (url) => {
      const program = startProgram(block, around, {
        prelude: "const { ENDPOINT: endpoint, SECRET: secret } = process.env as { ENDPOINT: string; SECRET: string };",
        epilogue: "const again = await fetch(request);\nconsole.log(response.status, again.status);",
        env: { ENDPOINT: `${url}/tasks`, SECRET: shopSecret },
      });
      expect({ code: await program.ended(), shown: program.shown() }).toEqual({ code: 0, shown: "202 409\n" });
      expect(await around.redis.llen("asynq:{default}:pending")).toBe(1);
    }),
};
