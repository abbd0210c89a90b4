/** Runs, each minute, what Asynq's servers run in goroutines, and the cron entries that are due. */
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { scheduled } from "@asynqjs/cron-fn/cloudflare";

interface Env {
  readonly REDIS_URL: string;
  readonly REDIS_TOKEN: string;
}

export default {
  scheduled: scheduled(({ REDIS_URL, REDIS_TOKEN }: Env) => ({
    redis: fetchRedis({ url: REDIS_URL, token: REDIS_TOKEN }),
    // Of 50 requests that the free plan has; a paid one has 10,000.
    maxRequests: 40,
  })),
};
