import { mkdtempSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { parseRedisUri } from "@asynqjs/core/redis/ioredis";
import { Redis } from "ioredis";
import { describe } from "vitest";
import { startRedis } from "../../../../test/support/redis-server.ts";
import { expect, test as redisTest } from "../../../../test/support/redis-test.ts";
import { startSentinels } from "../../../../test/support/redis-topologies.ts";
import { type TcpFaults, tcpFaults } from "../../../../test/support/tcp-faults.ts";
import { lightPort } from "./light-port.ts";
import { type SingleRedis, singleWay } from "./single-way.ts";

const test = redisTest.extend<{ faults: TcpFaults }>({
  faults: async ({ redisUrl }, use) => {
    const faults = await tcpFaults({ port: Number(new URL(redisUrl).port) });
    await use(faults);
    await faults.stop();
  },
});

/** For localhost, of nobody's authority, good for a hundred years. */
const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVsESlx4w8ef8r6RT
ZMuvUD7ODd+TxGjb977ooVGS4oOhRANCAAQptV+DKHREg2BgqMFaLVy4YNPmFDKc
XX93YuflA6g/AFlbO3ielmD0S34Bu7zn6Vx8bSNWnsXZlAf1IjekKNKw
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUbTUGNb7TRrE6O7kc1N7XOZZtOWkwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTE4MDQwNFoYDzIxMjYxMTAx
MTgwNDA0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQptV+DKHREg2BgqMFaLVy4YNPmFDKcXX93YuflA6g/AFlbO3ielmD0
S34Bu7zn6Vx8bSNWnsXZlAf1IjekKNKwo2kwZzAdBgNVHQ4EFgQU+xkJv5EmTJ5Q
vmOu3OW7W/yDsO8wHwYDVR0jBBgwFoAU+xkJv5EmTJ5QvmOu3OW7W/yDsO8wDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhAIl71qvK6x/df9rQqWi9hZRElPajOwKadqMMU6ABUtpbAiEAuvy4y62l
qZIXI2mWOZ8xSPkIRq5xFrdeIMohM8MIGs4=
-----END CERTIFICATE-----`,
};

/** What GET k answers on a port of its own, or the error's text. */
async function ask(uri: string, options: { readonly timeoutMs?: number } = {}): Promise<string> {
  const port = lightPort(parseRedisUri(uri), { timeoutMs: 1_500, ...options });
  try {
    const [got] = await port.send([["GET", "k"]]);
    return got!.error?.message ?? Buffer.from(got!.reply as Uint8Array).toString();
  } catch (error) {
    return (error as Error).message;
  } finally {
    await port.close();
  }
}

describe("the way to one Redis", () => {
  test("is let in by user, password and database, and says why it is not, without the password", async () => {
    const server = await startRedis();
    const admin = new Redis({ port: server.port, db: 2 });
    await admin.set("k", "of db 2");
    await admin.call("ACL", "SETUSER", "worker", "on", ">s3cret", "~*", "&*", "+@all");

    expect(await ask(`redis://worker:s3cret@127.0.0.1:${server.port}/2`)).toBe("of db 2");
    // As ioredis does, with a warning: a Redis without a password lets in whoever brings one.
    expect(await ask(`redis://:unasked@127.0.0.1:${server.port}/2`)).toBe("of db 2");
    await admin.config("SET", "requirepass", "word");
    expect(await ask(`redis://:word@127.0.0.1:${server.port}/2`)).toBe("of db 2");
    expect(await ask(`redis://127.0.0.1:${server.port}/2`, { timeoutMs: 300 })).toMatch("NOAUTH");
    const refused = await ask(`redis://worker:wr0ng@127.0.0.1:${server.port}/2`, { timeoutMs: 300 });
    expect(refused).toMatch("WRONGPASS");
    expect(refused).not.toMatch("wr0ng");

    admin.disconnect();
    await server.stop();
  });

  test("is a unix socket", async () => {
    const socket = path.join(mkdtempSync(path.join(tmpdir(), "asynqjs-")), "redis.sock");
    const server = await startRedis({ args: ["--unixsocket", socket] });
    const admin = new Redis({ path: socket, db: 3 });
    await admin.set("k", "of db 3");

    expect(await ask(`redis-socket://${socket}?db=3`)).toBe("of db 3");

    admin.disconnect();
    await server.stop();
  });

  test("is encrypted, and trusts only whom Node trusts", async ({ redis, redisUrl }) => {
    await redis.set("k", "secret");
    const { port, pathname } = new URL(redisUrl);
    const front = createTlsServer(selfSigned, (client) => {
      const upstream = connect(Number(port), "127.0.0.1");
      client
        .on("error", () => {})
        .pipe(upstream)
        .pipe(client);
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const uri = `rediss://localhost:${(front.address() as AddressInfo).port}${pathname}`;

    expect(await ask(uri, { timeoutMs: 500 })).toMatch("DEPTH_ZERO_SELF_SIGNED_CERT");
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    expect(await ask(uri)).toBe("secret");
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;

    await new Promise((resolve) => front.close(resolve));
  });

  test("takes in one write what is sent in one turn, and answers each in its order", async ({ faults }) => {
    const port = lightPort(parseRedisUri(`redis://127.0.0.1:${faults.port}/15`));
    await port.send([["DEL", "k"]]);
    const from = faults.requests.length;

    const answers = await Promise.all([
      port.send([
        ["SET", "k", "0"],
        ["INCR", "k"],
      ]),
      Promise.resolve().then(() => port.send([["INCR", "k"]])),
    ]);

    expect(answers).toEqual([[{ reply: Buffer.from("OK") }, { reply: 1 }], [{ reply: 2 }]]);
    expect(faults.requests.slice(from)).toHaveLength(1);
    await port.close();
  });

  test("connects at its first call, once for many, and again after each loss; an answer lost is asked for again", async ({ faults }) => {
    const port = lightPort(parseRedisUri(`redis://127.0.0.1:${faults.port}/15`));
    await new Promise((resolve) => setImmediate(resolve));
    expect(faults.connections).toBe(0);
    await Promise.all([port.send([["PING"]]), port.send([["PING"]]), port.send([["PING"]])]);
    expect(faults.connections).toBe(1);

    for (const fault of ["drop-request", "drop-reply"] as const) {
      faults.next(fault, "ECHO");
      const [echo] = await port.send([["ECHO", fault]]);
      expect(Buffer.from(echo!.reply as Uint8Array).toString()).toBe(fault);
    }
    expect(faults.connections).toBe(3);
    await port.close();
  });

  test.for([
    ["that stays is there again", true],
    ["that does not is not there", false],
  ] as const)("%s after it was lost, while nobody asks", async ([, stays], { faults }) => {
    const way = singleWay(parseRedisUri(`redis://127.0.0.1:${faults.port}/15`) as SingleRedis, { stays });
    const told: string[] = [];
    way.listen({ onReady: () => told.push("ready"), onClose: () => told.push("close") });
    const ping = () => way.write([["PING"]], { replicas: 0, withinMs: 0 });
    await expect(ping()).rejects.toMatchObject({ delivered: "no" });
    await expect.poll(() => way.ready).toBe(true);

    faults.cut();
    await expect.poll(() => told.length).toBeGreaterThan(1);
    if (stays) await expect.poll(() => way.ready, { timeout: 5_000 }).toBe(true);
    else for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));

    expect(told).toEqual(stays ? ["ready", "close", "ready"] : ["ready", "close"]);
    expect([faults.connections, way.ready]).toEqual(stays ? [2, true] : [1, false]);
    way.close();
    await expect.poll(() => way.ready).toBe(false);
  });

  test("is left when it does not answer in time, and what it did not answer is asked for again", async ({ faults }) => {
    const port = lightPort(parseRedisUri(`redis://127.0.0.1:${faults.port}/15`), { tryTimeoutMs: 100 });
    await port.send([["PING"]]);
    faults.next("hold-reply", "ECHO");

    const [echo] = await port.send([["ECHO", "heard"]]);

    expect(Buffer.from(echo!.reply as Uint8Array).toString()).toBe("heard");
    expect(faults.connections).toBe(2);
    await port.close();
  });

  test("is not reached where nobody listens, where nobody answers, and where it is no Redis: nothing left, and why", async () => {
    const silent = createServer(() => {});
    const web = createServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    for (const server of [silent, web]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const portOf = (server: typeof silent): number => (server.address() as AddressInfo).port;

    expect(await ask("redis://127.0.0.1:1", { timeoutMs: 300 })).toMatch("ECONNREFUSED");
    expect(await ask(`redis://127.0.0.1:${portOf(silent)}`, { timeoutMs: 300 })).toMatch("redis did not answer");
    expect(await ask(`redis://127.0.0.1:${portOf(web)}`, { timeoutMs: 300 })).toMatch("redis did not answer");

    for (const server of [silent, web]) server.close();
  });
});

describe("the way through Sentinels", () => {
  test("passes by a Sentinel that is away and one that does not know the master, and says when none does", async () => {
    const master = await startRedis({ args: ["--requirepass", "data"] });
    const admin = new Redis({ port: master.port, password: "data", db: 1 });
    await admin.set("k", "of the master");
    const sentinels = await startSentinels({ port: master.port, password: "data" });
    const uri = (name: string): string => `redis-sentinel://127.0.0.1:1,127.0.0.1:${sentinels.ports[0]}/1?master=${name}&password=data`;

    expect(await ask(uri("mymaster"))).toBe("of the master");
    expect(await ask(uri("another"), { timeoutMs: 300 })).toMatch(/no Sentinel knows the master "another"|ECONNREFUSED/);

    admin.disconnect();
    await sentinels.stop();
    await master.stop();
  });

  test("refuses a Redis that is no master, though the Sentinel says so, until it is one", async () => {
    const [master, other] = [await startRedis(), await startRedis()];
    const [admin, otherAdmin] = [new Redis(master.port), new Redis(other.port)];
    await admin.set("k", "here");
    const sentinels = await startSentinels(master);
    const uri = `redis-sentinel://127.0.0.1:${sentinels.ports[0]}?master=mymaster`;
    expect(await ask(uri)).toBe("here");
    await admin.replicaof("127.0.0.1", other.port);
    expect(await ask(uri, { timeoutMs: 400 })).toMatch("it is a slave, no master");

    await admin.replicaof("NO", "ONE");
    expect(await ask(uri)).toBe("here");

    for (const client of [admin, otherAdmin]) client.disconnect();
    for (const server of [sentinels, master, other]) await server.stop();
  });

  test("is another one when the master answers READONLY", async () => {
    const master = await startRedis();
    const faults = await tcpFaults(master);
    const redis = new Redis(master.port);
    const port = lightPort(parseRedisUri(`redis://127.0.0.1:${faults.port}`));
    await port.send([["SET", "k", "v"]]);
    await redis.replicaof("127.0.0.1", 1);
    expect(faults.connections).toBe(1);

    const refused = port.send([["SET", "k", "again"]]);
    while (faults.connections === 1) await new Promise((resolve) => setImmediate(resolve));
    await redis.replicaof("NO", "ONE");

    expect((await refused)[0]!.error).toBeUndefined();
    expect(await redis.get("k")).toBe("again");
    await port.close();
    redis.disconnect();
    for (const server of [faults, master]) await server.stop();
  });
});
