import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { test as gatewayTest, token } from "../../../test/support/gateway-test.ts";
import { freePort, startRedis } from "../../../test/support/redis-server.ts";
import { describe, expect, runCli, test } from "../test/cli-test.ts";
import { startTlsFront } from "../test/tls-front.ts";

const list = ["queue", "list"];

describe("a Redis over TCP", () => {
  test("is found by host:port and database", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    const { host, pathname } = new URL(redisUrl);

    expect(await runCli([...list, "-u", host, "-n", pathname.slice(1)])).toEqual({ code: 0, out: "mail\n", err: "" });
    expect((await runCli([...list, "--uri", redisUrl])).out).toBe("mail\n");
    expect((await runCli([...list, "--uri", `redis://${host}/15`, `--db=${pathname.slice(1)}`])).out).toBe("mail\n");
  });

  test("that has no such database, or is no Cluster, is said with what to do, and not for one that is away", async ({ redisUrl }) => {
    const { host } = new URL(redisUrl);
    expect(await runCli([...list, "-u", host, "-n", "99999"])).toEqual({
      code: 2,
      out: "",
      err: `asynqjs: cannot use Redis at ${host}: it has no database of that number; is --db right?\n`,
    });
    expect(await runCli([...list, "-u", host, "--cluster"])).toEqual({
      code: 2,
      out: "",
      err: `asynqjs: cannot use Redis at ${host}: it is no Cluster; say it without --cluster\n`,
    });
  });

  test("where nobody listens is said at once, with exit code 5", async () => {
    const port = await freePort();
    expect(await runCli([...list, "-u", `localhost:${port}`])).toEqual({
      code: 5,
      out: "",
      err: `asynqjs: cannot reach Redis at localhost:${port}: nobody listens there; is Redis running, and is --uri right?\n`,
    });
    expect(await runCli([...list, "--cluster", "--cluster_addrs", `127.0.0.1:${port}`])).toMatchObject({
      code: 5,
      err: expect.stringContaining("nobody listens there"),
    });
    expect(await runCli([...list, "-u", `redis-sentinel://127.0.0.1:${port}?master=m`])).toMatchObject({
      code: 5,
      err: expect.stringMatching(/^asynqjs: cannot [^\n]+\n$/),
    });
    expect(await runCli([...list, "-u", "redis-socket:///nowhere/redis.sock"])).toMatchObject({
      code: 5,
      err: "asynqjs: cannot reach Redis at /nowhere/redis.sock: there is no such socket\n",
    });
  });

  test("that does not know the user and password is said with exit code 6, and no word of the password", async () => {
    const server = await startRedis({ args: ["--requirepass", "right"] });
    onTestFinished(() => server.stop());
    const uri = `127.0.0.1:${server.port}`;
    const said = `asynqjs: Redis at ${uri} refused: it knows no such user and password; say them by --username and --password, in the URI, or for HTTP by --token\n`;

    expect(await runCli([...list, "-u", uri])).toEqual({ code: 6, out: "", err: said });
    expect(await runCli([...list, "-u", uri, "-p", "wrong"])).toEqual({ code: 6, out: "", err: said });
    expect(await runCli([...list, "-u", uri, "-U", "nobody", "-p", "right"])).toEqual({ code: 6, out: "", err: said });
    expect(await runCli([...list, "--cluster", "--cluster_addrs", uri, "-p", "wrong"])).toEqual({ code: 6, out: "", err: said });
    expect(await runCli([...list, "-u", uri, "-p", "right"])).toEqual({ code: 0, out: "", err: "" });
    expect(await runCli([...list, "-u", uri], { env: { PASSWORD: "right" } })).toMatchObject({ code: 0 });
  });

  test("whose ACL does not allow what is needed is said with exit code 6", async () => {
    const server = await startRedis();
    const admin = new Redis(server.port);
    onTestFinished(async () => {
      admin.disconnect();
      await server.stop();
    });
    await admin.call("ACL", "SETUSER", "guest", "on", ">secret", "~*", "+@all", "-smembers");

    const { code, out, err } = await runCli([...list, "-u", `127.0.0.1:${server.port}`, "-U", "guest", "-p", "secret"]);

    expect({ code, out }).toEqual({ code: 6, out: "" });
    expect(err).toMatch(/^asynqjs: could not fetch list of queues: .*NOPERM.*\n$/);
    expect(err).not.toContain("secret");

    await admin.call("ACL", "SETUSER", "guest", "-info");
    expect(await runCli([...list, "-u", `127.0.0.1:${server.port}`, "-U", "guest", "-p", "secret"])).toEqual({
      code: 6,
      out: "",
      err: `asynqjs: Redis at 127.0.0.1:${server.port} refused: its ACL does not allow this user what is needed (info); deploy/acl has the rules\n`,
    });
  });

  test("is spoken to in TLS, whose certificate is checked unless it is said not to", async ({ redis, redisUrl }) => {
    await redis.sadd("asynq:queues", "mail");
    const url = new URL(redisUrl);
    const front = await startTlsFront(Number(url.port));
    onTestFinished(() => front.stop());
    const database = ["-n", url.pathname.slice(1)];

    const refused = await runCli([...list, ...database, "-u", front.address, "--tls"]);
    expect(refused).toMatchObject({ code: 5, out: "" });
    expect(refused.err).toMatch(new RegExp(`^asynqjs: cannot speak TLS with Redis at ${front.address}: [^\\n]+--insecure[^\\n]+\\n$`));
    expect(await runCli([...list, "--tls", "--cluster", `--cluster_addrs=${front.address}`])).toEqual(refused);
    for (const tls of [["--tls"], ["--tls_server", "redis.test"]])
      expect(await runCli([...list, ...database, "-u", front.address, ...tls, "--insecure"])).toEqual({ code: 0, out: "mail\n", err: "" });
    expect((await runCli([...list, ...database, "-u", `rediss://${front.address}`, "--insecure"])).out).toBe("mail\n");
  });

  test("that speaks nothing but TLS is said with exit code 5", async ({ redisUrl }) => {
    const front = await startTlsFront(Number(new URL(redisUrl).port));
    onTestFinished(() => front.stop());

    expect(await runCli([...list, "-u", front.address])).toEqual({
      code: 5,
      out: "",
      err: `asynqjs: cannot reach Redis at ${front.address}: the other side hung up; does it expect TLS (--tls), or not?\n`,
    });
  });
});

test("what is no Redis is said to be none, with what to do", async () => {
  const server = createServer((_, response) => void response.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const uri = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const said = {
    code: 5,
    out: "",
    err: `asynqjs: cannot use Redis at ${uri}: what answers there does not speak as Redis does; is --uri right? One over HTTP is said by --url\n`,
  };
  expect(await runCli([...list, "-u", uri])).toEqual(said);
  expect(await runCli([...list, "--cluster", `--cluster_addrs=${uri}`])).toEqual(said);
});

describe("a Redis over HTTP", () => {
  gatewayTest("is found by its URL and token", async ({ redis, gatewayUrl }) => {
    await redis.sadd("asynq:queues", "mail");

    expect(await runCli([...list, "--url", gatewayUrl, "--token", token])).toEqual({ code: 0, out: "mail\n", err: "" });
    expect(await runCli(list, { env: { ASYNQ_REDIS_URL: gatewayUrl, ASYNQ_REDIS_TOKEN: token } })).toEqual({
      code: 0,
      out: "mail\n",
      err: "",
    });
    expect(await runCli(["stats", "--url", gatewayUrl, "--token", token])).toMatchObject({ code: 0, err: "" });
  });

  test.for<[url: (port: number) => string, said: string]>([
    [(port) => `http://127.0.0.1:${port}`, "nobody listens there; is Redis running, and is --url right?"],
    [() => "http://redis.invalid", "there is no such host; is --url right?"],
  ])("that is not there is said with exit code 5, %#", async ([urlOf, said]) => {
    const url = urlOf(await freePort());
    expect(await runCli([...list, "--url", url, "--token", token])).toEqual({
      code: 5,
      out: "",
      err: `asynqjs: cannot reach Redis at ${new URL(url).host}: ${said}\n`,
    });
  });

  test("that is no HTTP Redis at all is said with exit code 5", async ({ redisUrl }) => {
    const { host } = new URL(redisUrl);
    for (const scheme of ["http", "https"])
      expect(await runCli([...list, "--url", `${scheme}://${host}`, "--token", token])).toEqual({
        code: 5,
        out: "",
        err: expect.stringMatching(/^asynqjs: cannot use Redis at [^\n]+; is it Upstash or asynqjs' gateway, and is --url right\?\n$/),
      });
  });

  gatewayTest("that does not take the token, or none is said, ends with exit code 6 or 2", async ({ gatewayUrl }) => {
    const { host } = new URL(gatewayUrl);
    expect(await runCli([...list, "--url", gatewayUrl, "--token", "a-token-that-is-wrong"])).toMatchObject({
      code: 6,
      err: expect.stringMatching(new RegExp(`^asynqjs: Redis at ${host} refused: [^\\n]+--token\\n$`)),
    });
    expect(await runCli([...list, "--url", gatewayUrl])).toMatchObject({
      code: 2,
      err: "asynqjs: --url is an HTTP Redis: its token is missing, say it by --token or ASYNQ_REDIS_TOKEN\n",
    });
  });
});
