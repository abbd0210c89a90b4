/**
 * Enqueues Asynq tasks from anywhere that has `fetch`.
 * @module
 */

export {
  AsynqError,
  DecodeError,
  type Delivered,
  DuplicateTaskError,
  type EnqueueOptions,
  type ErrorCode,
  InvalidOptionError,
  type Payload,
  RedisError,
  type SendOptions,
  StaleCallError,
  Task,
  TaskIdConflictError,
  type TaskInfo,
  type TaskState,
} from "@asynqjs/core";
export { Client, type ClientOptions, type EnqueueError, type EnqueueItem, type EnqueueOutcome } from "./client.ts";
