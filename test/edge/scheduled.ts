/** The smallest Worker whose cron trigger runs the ticks. */
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { scheduled } from "@asynqjs/cron-fn/cloudflare";

export default {
  scheduled: scheduled(({ url, token }: { readonly url: string; readonly token: string }) => ({ redis: fetchRedis({ url, token }) })),
};
