import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

const lua = readFileSync(new URL("clones.lua", import.meta.url), "utf8");
const perCall = 10_000;
const distantSec = 4_000_000_000;

/** Grows the queue by so many tasks like one that waits in it. Those of a set are due in the distant future, or long since. */
export async function addClones(
  redis: Redis,
  state: "pending" | "scheduled" | "archived",
  count: number,
  { due = false } = {},
): Promise<void> {
  const id = await redis.lindex("asynq:{default}:pending", 0);
  for (let from = 0; from < count; from += perCall) {
    const some = Math.min(perCall, count - from);
    await redis.eval(lua, 1, `asynq:{default}:t:${id}`, "asynq:{default}:", state, state, due ? 1_000 : distantSec, from, some);
  }
}
