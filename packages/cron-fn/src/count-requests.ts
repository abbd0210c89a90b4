import type { RedisPort } from "@asynqjs/core";

/** A port over another that counts what is sent; over HTTP each is a request, and one more for each time the port sends it again. */
export function countRequests(redis: RedisPort): RedisPort & { readonly requests: number } {
  let requests = 0;
  return {
    features: () => redis.features(),
    close: () => redis.close(),
    send(commands, options) {
      requests++;
      return redis.send(commands, options);
    },
    get requests() {
      return requests;
    },
  };
}
