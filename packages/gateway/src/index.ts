/**
 * An Upstash-compatible HTTP front for any Redis.
 * @module
 */

export { type GatewayAppOptions, gatewayApp } from "./app.ts";
export type { Command } from "./command.ts";
export { GatewayOptionError, NoAnswerError, type NoAnswerReason } from "./errors.ts";
export type { GatewayLimits } from "./limits.ts";
export { type GatewayLog, openRedisLink, type RedisLink } from "./redis-link.ts";
export type { Reply } from "./reply.ts";
export { type Gateway, type GatewayOptions, startGateway } from "./start.ts";
export type { SubscriptionKind, SubscriptionReader, Subscriptions } from "./subscriptions.ts";
export type { GatewayToken } from "./token.ts";
