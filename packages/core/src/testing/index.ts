/** For tests of asynqjs and of what is built on it: a clock that is told the time, chance that repeats, a look at the whole keyspace, a port that loses replies. @module */
export * from "./faulty-redis.ts";
export * from "./keyspace.ts";
export * from "./manual-clock.ts";
