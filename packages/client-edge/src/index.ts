/**
 * Enqueues Asynq tasks from anywhere that has `fetch`.
 * @module
 */

export {
  defineTask,
  type EnqueueOptions,
  type Payload,
  type PayloadOf,
  type ResultOf,
  type SendOptions,
  type StandardSchemaV1,
  Task,
  type TaskDefinition,
  type TaskInfo,
  type TaskState,
} from "@asynqjs/core";
export {
  AsynqError,
  DecodeError,
  type Delivered,
  DuplicateTaskError,
  type ErrorCode,
  InvalidOptionError,
  InvalidPayloadError,
  RedisError,
  StaleCallError,
  TaskIdConflictError,
} from "@asynqjs/core/errors";
export { Client, type ClientOptions, type EnqueueError, type EnqueueItem, type EnqueueOutcome } from "./client.ts";
export { type EnqueueMiddleware, type EnqueueRequest, type Enqueuer, withMiddleware } from "./with-middleware.ts";
