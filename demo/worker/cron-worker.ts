/**
 * The shop's maintenance, all of it: a Cloudflare Worker whose cron trigger fires cron entries, makes the tasks ready that are due, takes back
 * those of lost workers, gathers reviews into digests, and tidies up. No server runs any of it.
 */
import { type GroupedTask, Task } from "@asynqjs/core";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { scheduled } from "@asynqjs/cron-fn/cloudflare";
import { deskAddress, digestSubject, type MailPayload, mailType, queues, type ReviewPayload, reviewLine } from "../shop.ts";
import { shopClock } from "../shop-clock.ts";

interface Bindings {
  readonly REDIS_HTTP_URL: string;
  readonly REDIS_HTTP_TOKEN: string;
  readonly OPENED_AT_MS: string;
}

export default {
  scheduled: scheduled(({ REDIS_HTTP_URL: url, REDIS_HTTP_TOKEN: token, OPENED_AT_MS }: Bindings) => ({
    redis: fetchRedis({ url, token }),
    queues: Object.keys(queues),
    clock: shopClock(Number(OPENED_AT_MS)),
    // A trigger comes once a minute; each run looks every ten seconds while it lasts.
    everyMs: 10_000,
    maxRequests: 200,
    // A group is complete when no review came for a minute.
    aggregate: { aggregator: digest, gracePeriodSec: 60 },
  })),
};

/** One mail of a picture's reviews. */
function digest(picture: string, reviews: readonly GroupedTask[]): Task {
  const lines = reviews.map((review) => reviewLine(review.json<ReviewPayload>()));
  return new Task(mailType, { to: deskAddress, subject: digestSubject(picture), text: lines.join("\n") } satisfies MailPayload);
}
