import type { Redis } from "ioredis";
import { queues, type WhileHeld } from "./moves.ts";
import { type Database, type Snapshot, takeSnapshot } from "./snapshot.ts";

/** What a server of this lane works at, besides what is ready or falls due. */
export interface QuietFor {
  readonly nowSec: number;
  /** Handlers may hold these tasks. */
  readonly heldIds: readonly string[];
  readonly aggregates: boolean;
  readonly deletesCompleted: boolean;
  readonly trimsArchive: boolean;
}

/** Says what a server has left to do; an empty text when there is nothing. */
const lua = /* lua */ `
local now, aggregates, deletes_completed, trims_archive = tonumber(ARGV[1]), ARGV[2] == "1", ARGV[3] == "1", ARGV[4] == "1"
local is_held = {}
for i = 5, #ARGV do is_held[ARGV[i]] = true end
for _, name in ipairs(KEYS) do
  local queue = "asynq:{" .. name .. "}:"
  local function due(name, until_s) return redis.call("ZCOUNT", queue .. name, "-inf", until_s) > 0 end
  if redis.call("LLEN", queue .. "pending") > 0 and redis.call("EXISTS", queue .. "paused") == 0 then return queue .. "pending" end
  for _, id in ipairs(redis.call("LRANGE", queue .. "active", 0, -1)) do
    if not is_held[id] then return queue .. "active " .. id end
  end
  if due("scheduled", now) or due("retry", now) then return queue .. "due" end
  if deletes_completed and due("completed", now) then return queue .. "completed" end
  if trims_archive and due("archived", now - 90 * 24 * 3600) then return queue .. "archived" end
  if aggregates then
    if redis.call("ZCARD", queue .. "aggregation_sets") > 0 then return queue .. "aggregation_sets" end
    for _, group in ipairs(redis.call("SMEMBERS", queue .. "groups")) do
      if redis.call("ZCARD", queue .. "g:" .. group) > 0 then return queue .. "g:" .. group end
    end
  end
end
return ""
`;

const patienceMs = 30_000;

/**
 * Until a server has nothing left to do; `push` is done again and again meanwhile.
 * @throws {Error} says what was left after half a minute
 */
export async function untilQuiet(redis: Redis, { nowSec, heldIds, ...does }: QuietFor, push?: () => Promise<void>): Promise<void> {
  const flags = [does.aggregates, does.deletesCompleted, does.trimsArchive].map((flag) => (flag ? 1 : 0));
  let looks = 0;
  await until(redis, async () => {
    if (looks++ % 10 === 0) await push?.();
    return String(await redis.eval(lua, queues.length, ...queues, nowSec, ...flags, ...heldIds));
  });
}

/** Until a server listens for cancelations in a database: all databases share the channel. */
export async function untilListening(redis: Redis): Promise<void> {
  const db = ` db=${redis.options.db ?? 0} `;
  await until(redis, async () => {
    const clients = String(await redis.call("CLIENT", "LIST", "TYPE", "pubsub"));
    return clients.split("\n").some((client) => client.includes(db) && !client.includes(" sub=0 ")) ? "" : "not listening";
  });
}

/** What is kept while a handler holds its task, once the server has told of itself. */
export async function lookWhileHeld(database: Database, whileHeld: WhileHeld): Promise<Snapshot | undefined> {
  if (whileHeld !== "look" && whileHeld !== "look-at-beat") return undefined;
  await untilTold(database.redis, { ofTasks: whileHeld === "look-at-beat" });
  return takeSnapshot(database);
}

/** Until a server has told of itself; or of the task it runs, which Go tells of every 5 s. */
async function untilTold(redis: Redis, { ofTasks }: { readonly ofTasks: boolean }): Promise<void> {
  await until(redis, async () => {
    const servers = await redis.keys("asynq:servers:*");
    const workers = await redis.keys("asynq:workers:*");
    return servers.length === 0 ? "nothing told of a server" : ofTasks && workers.length === 0 ? "nothing told of a task" : "";
  });
}

async function until(redis: Redis, leftToDo: () => Promise<string>): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (let left = await leftToDo(); left !== ""; left = await leftToDo()) {
    if (performance.now() > untilMs) throw new Error(`database ${redis.options.db}: ${left}, and that does not change`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
