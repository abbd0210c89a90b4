export * from "./broker.ts";
export * from "./clock.ts";
export * from "./errors.ts";
export * from "./keys.ts";
export * from "./options.ts";
export * from "./redis.ts";
export * from "./task.ts";
export * from "./task-message.ts";
