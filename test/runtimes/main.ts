/**
 * The packed client-edge in every runtime it is for, through a real gateway, to a real Redis, read back byte by byte. Prints one line a
 * runtime; a runtime that is not there is a skip, and with `CI` set a failure.
 * @module
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { promisify } from "node:util";
import { decodeTaskMessage } from "@asynqjs/core/wire";
import { startGateway } from "@asynqjs/gateway";
import { Redis } from "ioredis";
import { packPackages } from "../pack/pack-packages.ts";
import { makeProject } from "../pack/project.ts";
import { startRedis } from "../support/redis-server.ts";
import { type Answers, batchSize, emojis, everyByte } from "./cases.ts";
import { runtimes } from "./runtimes.ts";
import { fetchRuntimes } from "./tools.ts";

const token = "a-token-for-tests";
const expected: Answers = {
  bytes: "pending",
  text: "pending",
  unique: "pending",
  "unique again": "DUPLICATE_TASK",
  "unique once more": "DUPLICATE_TASK",
  "the same id": "TASK_ID_CONFLICT",
  scheduled: "scheduled",
  batch: "pending",
  "a wrong token": "REDIS no 401",
  "an option that cannot be": "INVALID_OPTION retentionSec",
  "given up before": "REDIS no",
  "given up on the way": "REDIS unknown",
  "no answer in time": "REDIS unknown",
  "an instance of Upstash": "pending",
  "an endpoint that is sent a signed request, twice": "202 409",
};

/** Looks at everything the cases left in Redis; answers how many tasks that is. */
async function readBack(redis: Redis): Promise<number> {
  const message = async (queue: string, id: string) =>
    decodeTaskMessage((await redis.hgetBuffer(`asynq:{${queue}}:t:${id}`, "msg"))!, `${queue} ${id}`);
  const bytes = Buffer.from(everyByte());
  for (const id of ["bytes", "unique", "instance", "signed"]) assert.deepEqual(Buffer.from((await message("default", id)).payload!), bytes);
  const text = await message("default", "text");
  assert.equal(Buffer.from(text.payload!).toString(), emojis);
  assert.deepEqual({ ...text.headers }, { emojis });
  const lock = `asynq:{default}:unique:t:${createHash("md5").update(bytes).digest("hex")}`;
  assert.equal(await redis.get(lock), "unique");

  assert.deepEqual(await redis.lrange("asynq:{default}:pending", 0, -1), ["signed", "instance", "unique", "text", "bytes"]);
  assert.deepEqual(await redis.zrange("asynq:{default}:scheduled", "0", "-1"), ["scheduled"]);
  assert.deepEqual((await redis.smembers("asynq:queues")).sort(), ["default", "even", "odd"]);
  for (let i = 0; i < batchSize; i++)
    assert.equal(Buffer.from((await message(i % 2 === 0 ? "even" : "odd", `batch-${i}`)).payload!).toString(), `{"i":${i}}`);
  const tasks = (await redis.keys("asynq:{*}:t:*")).length;
  assert.equal(tasks, batchSize + 6);
  return tasks;
}

const missing = fetchRuntimes();
const { packed, registryUrl, stop } = await packPackages();
const project = makeProject(registryUrl);
// Not at once but beside us: the registry it asks is ours.
await promisify(execFile)("npm", ["install", ...packed.map(({ manifest }) => manifest.name), "@upstash/redis"], {
  cwd: project.dir,
  env: project.env,
});
const server = await startRedis();
const redis = new Redis(server.url);
const gateway = await startGateway({ redis: server.url, tokens: [token], port: 0 });
// Takes connections, and never says a word.
const silent = createServer((socket) => socket.on("error", () => {}));
await once(silent.listen(0, "127.0.0.1"), "listening");
const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
let failed = 0;
try {
  for (const { name, run, needs = "", why = missing[needs] } of runtimes) {
    const startMs = performance.now();
    await redis.flushall();
    let outcome: string;
    if (why !== undefined) {
      outcome = `skipped: ${why}`;
      if (process.env.CI) failed++;
    } else {
      try {
        assert.deepEqual(await run({ url: gateway.url, token, silentUrl }, project.dir), expected);
        outcome = `ran (${await readBack(redis)} tasks read back, ${((performance.now() - startMs) / 1000).toFixed(1)} s)`;
      } catch (error) {
        outcome = `failed: ${error instanceof Error ? error.message : error}`;
        failed++;
      }
    }
    console.log(`${name}: ${outcome}`);
  }
} finally {
  redis.disconnect();
  await gateway.close();
  await server.stop();
  silent.close();
  project.remove();
  await stop();
}
process.exitCode = failed === 0 ? 0 : 1;
