/**
 * For those who send tasks to an endpoint of `@asynqjs/client-edge/hono`.
 * @module
 */
export type { RefusalCode } from "./endpoint/refusal.ts";
export { type SignOptions, signEnqueueRequest } from "./endpoint/sign-enqueue-request.ts";
export type { TaskVerdict } from "./endpoint/verdict.ts";
