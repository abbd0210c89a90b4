import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@asynqjs/core";
import { Redis } from "ioredis";
import { startRedis } from "../../../test/support/redis-server.ts";
import { startSentinels } from "../../../test/support/redis-topologies.ts";
import { describe, expect, roundTrip, test, turn } from "../../../test/support/server-test.ts";
import { tcpFaults } from "../../../test/support/tcp-faults.ts";
import { connect } from "./connect.ts";
import { Server } from "./server.ts";
import { stderrLogger } from "./stderr-logger.ts";

describe("a server connects", () => {
  test("by a URI, and closes its connection", async ({ redisUrl, redis }) => {
    const before = await connections(redis);

    expect(await roundTrip(redisUrl, redis)).toBe("default: hello");

    while ((await connections(redis)) > before);
  });

  test("at its first call, not when it is made", async ({ redisUrl }) => {
    const way = await tcpFaults({ port: Number(new URL(redisUrl).port) });
    const server = new Server(`redis://127.0.0.1:${way.port}`, { logLevel: "warn" });
    for (let i = 0; i < 100; i++) await turn();
    expect(way.connections).toBe(0);

    await server.ping();
    expect(way.connections).toBe(1);

    await server.shutdown();
    await way.stop();
  });

  test("by a URI with user and password, which its log never shows", async () => {
    const server = await startRedis();
    const client = new Redis({ port: server.port, db: 2 });
    await client.call("ACL", "SETUSER", "worker", "on", ">s3cret", "~*", "&*", "+@all");
    expect(await roundTrip(`redis://worker:s3cret@127.0.0.1:${server.port}/2`, client)).toBe("default: hello");
    client.disconnect();

    const lines: string[] = [];
    const log = (message: string, details?: object): void => void lines.push(message + JSON.stringify(details ?? {}));
    const refused = new Server(`redis://worker:wr0ng@127.0.0.1:${server.port}`, {
      logger: { debug: log, info: log, warn: log, error: log },
    });
    const started = refused.start(() => {}).catch((error: Error) => lines.push(error.message));
    while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await refused.shutdown();
    await started;
    expect(lines.join("\n")).not.toMatch(/wr0ng|s3cret/);
    await server.stop();
  });

  test("by a unix socket", async () => {
    const socket = path.join(mkdtempSync(path.join(tmpdir(), "asynqjs-")), "redis.sock");
    const server = await startRedis({ args: ["--unixsocket", socket] });
    const client = new Redis({ path: socket, db: 3 });

    expect(await roundTrip(`redis-socket://${socket}?db=3`, client)).toBe("default: hello");
    expect(await roundTrip({ kind: "socket", path: socket, db: 3 }, client)).toBe("default: hello");

    client.disconnect();
    await server.stop();
  });

  test("through Sentinels, with its master's password", async () => {
    const master = await startRedis({ args: ["--requirepass", "data"] });
    const sentinels = await startSentinels({ port: master.port, password: "data" });
    const client = new Redis({ port: master.port, password: "data" });

    const uri = `redis-sentinel://127.0.0.1:${sentinels.ports[0]}/0?master=mymaster&password=data`;
    expect(await roundTrip(uri, client)).toBe("default: hello");

    client.disconnect();
    await sentinels.stop();
    await master.stop();
  });
});

describe("a client that is yours", () => {
  test("is used, left open, and warned about once at start when it may send late or twice", async ({ redis, log, makeServer }) => {
    const server = makeServer({ logLevel: "warn" }, redis);
    expect(log).toEqual([]);

    await server.start(() => {});
    expect(log).toEqual([
      expect.stringContaining("enableOfflineQueue"),
      expect.stringContaining("autoResendUnfulfilledCommands"),
      expect.stringContaining("heartbeats run on the main thread, since the connection is yours"),
    ]);

    await server.shutdown();
    expect(redis.status).toBe("ready");
  });

  test("is not warned about for its settings when they are as they should be", async ({ redisUrl, log, makeServer }) => {
    const client = new Redis(redisUrl, { enableOfflineQueue: false, autoResendUnfulfilledCommands: false });
    const server = makeServer({ logLevel: "warn" }, client);

    await server.start(() => {});
    await server.shutdown();

    expect(log).toEqual([expect.stringContaining("heartbeats run on the main thread, since the connection is yours")]);
    client.disconnect();
  });

  test("is warned about when it goes through Sentinels", () => {
    const mild = { enableOfflineQueue: false, autoResendUnfulfilledCommands: false, lazyConnect: true };
    const client = new Redis({ ...mild, sentinels: [{ host: "127.0.0.1", port: 26_379 }], name: "mymaster" });

    expect(connect(client, stderrLogger(systemClock), systemClock).cautions).toEqual([expect.stringContaining("give the URI instead")]);
  });
});

async function connections(redis: Redis): Promise<number> {
  return String(await redis.client("LIST")).split("\n").length;
}
