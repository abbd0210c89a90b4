/** The shop's clock: a Cloudflare Worker whose cron trigger makes the tasks ready that are due. What else goes on it leaves to the Node worker. */
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { scheduled } from "@asynqjs/cron-fn/cloudflare";
import { queues } from "../shop.ts";

interface Bindings {
  readonly REDIS_HTTP_URL: string;
  readonly REDIS_HTTP_TOKEN: string;
}

export default {
  scheduled: scheduled(({ REDIS_HTTP_URL: url, REDIS_HTTP_TOKEN: token }: Bindings) => ({
    redis: fetchRedis({ url, token }),
    queues: Object.keys(queues),
    ticks: ["forward"],
  })),
};
