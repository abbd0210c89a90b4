import { expect } from "vitest";
import { askExample, type Example, runShell } from "../run-example.ts";

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
};
