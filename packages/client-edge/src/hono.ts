/**
 * An endpoint that enqueues, for an app of hono: what callers without access to Redis send their tasks to.
 * @module
 */
export type { EnqueueCaller } from "./endpoint/callers.ts";
export { type EnqueueEndpointOptions, enqueueEndpoint, type RateLimit } from "./endpoint/enqueue-endpoint.ts";
export type { AllowList } from "./endpoint/matches.ts";
export type { RefusalCode } from "./endpoint/refusal.ts";
export { type TokenBucketOptions, tokenBuckets } from "./endpoint/token-buckets.ts";
export type { TaskVerdict } from "./endpoint/verdict.ts";
