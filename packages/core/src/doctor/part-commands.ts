/**
 * What each part asks of Redis, as commands that can be tried on an ACL: the rules of `deploy/acl`, one by one, with as many arguments as
 * each must have, on a key that the part has. Nothing of it is carried out.
 * @module
 */

/** The parts that log in as users of their own. */
export const parts = ["edge", "worker", "cron", "gateway"] as const;
export type Part = (typeof parts)[number];

const edge = [
  "eval - 0",
  "evalsha - 0",
  "exists asynq:{default}:t:1",
  "expire asynq:{default}:js:call:1:1 1",
  "get asynq:{default}:js:call:1:1",
  "getrange asynq:{default}:js:call:1:1 0 1",
  "hset asynq:{default}:t:1 state pending",
  "info",
  "llen asynq:{default}:pending",
  "lpush asynq:{default}:pending 1",
  "ping",
  "sadd asynq:queues default",
  "scard asynq:{default}:groups",
  "select 0",
  "set asynq:{default}:unique:t: 1",
  "zadd asynq:{default}:scheduled 1 1",
  "zcard asynq:{default}:g:1",
];

/** What scripts of whoever moves tasks ask. */
const moving = [
  "del asynq:{default}:t:1",
  "expireat asynq:{default}:processed 1",
  "hdel asynq:{default}:t:1 result",
  "hexists asynq:{default}:t:1 msg",
  "hget asynq:{default}:t:1 msg",
  "hmget asynq:{default}:t:1 msg",
  "hstrlen asynq:{default}:t:1 msg",
  "incrby asynq:{default}:processed 1",
  "lindex asynq:{default}:pending 0",
  "lpos asynq:{default}:active 1",
  "lrange asynq:{default}:pending 0 1",
  "lrem asynq:{default}:active 0 1",
  "ltrim asynq:{default}:pending 0 1",
  "rename asynq:{default}:g:1 asynq:{default}:g:1:1",
  "rpush asynq:{default}:pending 1",
  "sismember asynq:{default}:groups 1",
  "srandmember asynq:{default}:groups",
  "srem asynq:{default}:groups 1",
  "sscan asynq:{default}:groups 0",
  "scan 0",
  "time",
  "type asynq:{default}:pending",
  "zmscore asynq:{default}:lease 1",
  "zrange asynq:{default}:lease 0 1",
  "zrangebyscore asynq:{default}:lease 0 1",
  "zrangestore asynq:{default}:g:1:1 asynq:{default}:g:1 0 1",
  "zrem asynq:{default}:lease 1",
  "zremrangebyrank asynq:{default}:archived 0 1",
  "zremrangebyscore asynq:{default}:archived 0 1",
  "zscore asynq:{default}:lease 1",
];

const ticking = [
  ...edge.filter((command) => command !== "ping" && !command.startsWith("scard ")),
  ...moving,
  "hvals asynq:js:cron",
  "persist asynq:{default}:js:cron:1",
  "smembers asynq:queues",
  "ttl asynq:{default}:unique:t:",
  "hget asynq:js:ticks janitor",
  "hset asynq:js:sweep * 0",
  "zadd asynq:js:sweep:found 1 1",
  "zadd asynq:schedulers 1 1",
  "rpush asynq:schedulers:{1} 1",
  "zadd asynq:scheduler_history:1 1 1",
];

export const partCommands: Readonly<Record<Part, readonly string[]>> = {
  edge,
  worker: [
    ...edge,
    ...moving,
    "client caching yes",
    "client id",
    "client tracking off",
    "rpop asynq:{default}:pending",
    "setex asynq:servers:{1} 1 1",
    "subscribe asynq:cancel",
    "subscribe asynq:js:cancel",
    "subscribe __redis__:invalidate",
    "zadd asynq:servers 1 1",
    "zadd asynq:workers 1 1",
    "hset asynq:workers:{1} 1 1",
    "zadd asynq:sema:1 1 1",
    "zrangebyscore asynq:js:cancel 0 1",
    "hset asynq:js:sweep * 0",
    "zadd asynq:js:sweep:found 1 1",
    "get asynq:js:probe:1",
  ],
  cron: ticking,
  gateway: [...ticking, "client setname 1", "ping", "scard asynq:{default}:groups"],
};
