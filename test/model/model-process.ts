/** One process of the model: a Redis of its own, its part of the steps, its result as a message. @module */
import { Redis } from "ioredis";
import { startRedis } from "../support/redis-server.ts";
import { type ModelOptions, runModel } from "./run-model.ts";

// Nobody waits for its result any more.
process.on("disconnect", () => process.exit());

const options = JSON.parse(process.argv[2]!) as Omit<ModelOptions, "redisUrl">;
// It ends with this process. A socket is a fifth faster than the loopback.
const { url } = await startRedis({ args: ["--unixsocket", "redis.sock"] });
const redis = new Redis(url);
const [, dir] = (await redis.config("GET", "dir")) as [string, string];
redis.disconnect();
const result = await runModel({ ...options, redisUrl: `${dir}/redis.sock` });
process.send!(result);
