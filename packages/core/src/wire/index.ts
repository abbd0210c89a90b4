/** Asynq's protobuf: write a new task, patch a stored one, read one; and the records of servers and schedulers. @module */
export * from "./decode-task-message.ts";
export * from "./encode-task-message.ts";
export * from "./glance-at-task-message.ts";
export * from "./marked-bytes.ts";
export * from "./patch-task-message.ts";
export * from "./scheduler-entry.ts";
export * from "./server-info.ts";
export { goZeroTimeNs } from "./timestamp.ts";
