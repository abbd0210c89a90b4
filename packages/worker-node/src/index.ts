export {
  type AggregationContext,
  DeadlineExceededError,
  defineTask,
  type GroupAggregator,
  type GroupedTask,
  HandlerNotFoundError,
  InvalidPayloadError,
  LeaseExpiredError,
  LeaseLostError,
  type LogDetails,
  type Logger,
  type LogLevel,
  type PayloadOf,
  type ResultOf,
  RevokeTask,
  ServerStateError,
  SkipRetry,
  type StandardSchemaV1,
  Task,
  type TaskDefinition,
} from "@asynqjs/core";
export type { Config } from "./config.ts";
export type { RedisSource } from "./connect.ts";
export type { LogWriter } from "./log-writer.ts";
export { type Counter, type Metrics, serverMetrics } from "./metrics.ts";
export type { ProcessingTask, ResultWriter } from "./processing-task.ts";
export type { QueuePriorities } from "./queue-order.ts";
export { Semaphore, type SemaphoreOptions } from "./semaphore.ts";
export { type Handler, type HandlerFunc, type Middleware, notFound, ServeMux } from "./serve-mux.ts";
export { Server, type ServerState } from "./server.ts";
