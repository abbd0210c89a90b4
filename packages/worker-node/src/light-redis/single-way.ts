import type { RedisError } from "@asynqjs/core";
import { checkReplicated, type HostPort, type ParsedRedis, type Way, waitCommand } from "@asynqjs/core/redis/ioredis";
import type { Connection } from "./connection.ts";
import { failoverDetector } from "./failover-detector.ts";
import { masterFinder } from "./find-master.ts";
import { Link, type LinkOptions } from "./link.ts";
import { openConnection } from "./open-connection.ts";

/** One Redis: all but a Cluster. */
export type SingleRedis = Exclude<ParsedRedis, { readonly kind: "cluster" }>;

/** A way of one connection: what is said of that holds for every call. */
export interface SingleWay extends Way {
  /** Whether it is there now. */
  readonly ready: boolean;
}

export interface SingleWayOptions extends Pick<LinkOptions, "stays"> {
  /** Told why there is no connection, each time that none could be made. */
  readonly onFail?: (error: RedisError) => void;
}

/** The way to one Redis: by its address, its socket, or wherever the Sentinels say that the master is, asked anew for each connection. */
export function singleWay(redis: SingleRedis, { onFail, ...options }: SingleWayOptions = {}): SingleWay {
  const listening = new Set<Parameters<Way["listen"]>[0]>();
  const { open, end } = opener(redis, () => link.renew());
  const link = new Link(
    open,
    {
      onOpen() {
        for (const { onReady } of listening) onReady();
      },
      onClose() {
        for (const { onClose } of listening) onClose();
      },
      ...(onFail === undefined ? {} : { onFail }),
    },
    options,
  );
  return {
    cluster: false,
    waits: true,
    get ready() {
      return link.ready;
    },
    write(commands, replication) {
      let connection: Connection;
      try {
        connection = link.get();
      } catch (error) {
        return Promise.reject(error);
      }
      if (replication.replicas === 0) return connection.call(commands);
      return connection.call([...commands, waitCommand(replication)]).then((results) => {
        checkReplicated(results.pop()!, replication);
        return results;
      });
    },
    reset: () => link.drop(),
    close() {
      end();
      link.close();
    },
    listen(listeners) {
      listening.add(listeners);
      return () => void listening.delete(listeners);
    },
  };
}

/** How a connection is made, and how to end what that needs beside it. `leave` is called when the connection leads to a master no more. */
function opener(redis: SingleRedis, leave: () => void): { readonly open: (signal: AbortSignal) => Promise<Connection>; end(): void } {
  if (redis.kind !== "sentinel") return { open: (signal) => openConnection(redis, signal), end() {} };
  const find = masterFinder(redis);
  const { username, password, db, tls } = redis;
  let master: HostPort | undefined;
  let endDetector: (() => void) | undefined;
  return {
    async open(signal) {
      endDetector ??= failoverDetector(redis, (to) => {
        // Each Sentinel tells of the same one.
        if (to.host !== master?.host || to.port !== master.port) leave();
      });
      master = await find(signal);
      return openConnection({ ...master, username, password, db, tls, mustBeMaster: true }, signal);
    },
    end: () => endDetector?.(),
  };
}
