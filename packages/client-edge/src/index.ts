/**
 * Enqueues Asynq tasks from anywhere that has `fetch`.
 * @module
 */

export {
  AsynqError,
  DecodeError,
  type Delivered,
  DuplicateTaskError,
  defineTask,
  type EnqueueOptions,
  type ErrorCode,
  InvalidOptionError,
  InvalidPayloadError,
  type Payload,
  type PayloadOf,
  RedisError,
  type ResultOf,
  type SendOptions,
  StaleCallError,
  type StandardSchemaV1,
  Task,
  type TaskDefinition,
  TaskIdConflictError,
  type TaskInfo,
  type TaskState,
} from "@asynqjs/core";
export { Client, type ClientOptions, type EnqueueError, type EnqueueItem, type EnqueueOutcome } from "./client.ts";
export { type EnqueueMiddleware, type EnqueueRequest, type Enqueuer, withMiddleware } from "./with-middleware.ts";
