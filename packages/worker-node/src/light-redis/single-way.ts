import type { ParsedRedis, Way } from "@asynqjs/core/redis/ioredis";
import { masterFinder } from "./find-master.ts";
import { Link } from "./link.ts";
import { openConnection } from "./open-connection.ts";
import { toResult } from "./to-result.ts";

type SingleRedis = Exclude<ParsedRedis, { readonly kind: "cluster" }>;

/** The way to one Redis: by its address, its socket, or wherever the Sentinels say that the master is, asked anew for each connection. */
export function singleWay(redis: SingleRedis): Way {
  const onReady = new Set<() => void>();
  const link = new Link(opener(redis), () => {
    for (const tell of onReady) tell();
  });
  return {
    cluster: false,
    waits: false,
    async write(commands) {
      const connection = link.get();
      const results = (await connection.call(commands)).map(toResult);
      // A master no more: the next connection may find the new one.
      if (results.some(({ error }) => error?.reply === "READONLY")) connection.close();
      return results;
    },
    reset: () => link.drop(),
    close: () => link.close(),
    listen(listeners) {
      onReady.add(listeners.onReady);
      return () => void onReady.delete(listeners.onReady);
    },
  };
}

function opener(redis: SingleRedis): ConstructorParameters<typeof Link>[0] {
  if (redis.kind !== "sentinel") return (signal) => openConnection(redis, signal);
  const find = masterFinder(redis);
  const { username, password, db, tls } = redis;
  return async (signal) => openConnection({ ...(await find(signal)), username, password, db, tls, mustBeMaster: true }, signal);
}
