/** One process of the model: a Redis of its own, its part of the steps, its result as a message. @module */
import { startRedis } from "../support/redis-server.ts";
import { type ModelOptions, runModel } from "./run-model.ts";

const options = JSON.parse(process.argv[2]!) as Omit<ModelOptions, "redisUrl">;
// It ends with this process.
const redis = await startRedis();
const result = await runModel({ ...options, redisUrl: redis.url });
process.send!(result, () => process.disconnect());
