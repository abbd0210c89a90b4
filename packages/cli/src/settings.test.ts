import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ConnectionSettings, readSettings } from "./settings.ts";

/** A home directory with these files. */
function home(files: Record<string, string> = {}): string {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-home-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), text);
  }
  return dir;
}

async function settings(flags: object, env: Record<string, string> = {}, homeDir = "/nonexistent"): Promise<ConnectionSettings> {
  return (await readSettings((name) => (flags as Record<string, unknown>)[name], { env, homeDir })).connection;
}

/** What of a Redis over TCP is not as by default. */
async function redis(flags: object, env?: Record<string, string>, homeDir?: string): Promise<object> {
  const read = await settings(flags, env, homeDir);
  if (read.kind !== "tcp") throw new Error("over HTTP");
  return read.redis;
}

const local = { kind: "standalone", host: "127.0.0.1", port: 6379, db: undefined, tls: false };

describe("where Redis is", () => {
  test("is by default where Asynq's CLI looks for it", async () => {
    expect(await settings({})).toEqual({ kind: "tcp", where: "127.0.0.1:6379", redis: local, tls: {} });
    expect(await redis({ cluster: true })).toMatchObject({
      kind: "cluster",
      nodes: [7000, 7001, 7002, 7003, 7004, 7005].map((port) => ({ host: "127.0.0.1", port })),
    });
  });

  test("is said by flags", async () => {
    expect(
      await settings({ uri: "redis.test:7000", db: "3", password: "p@ss:/?", username: "me", tls_server: "other.test", insecure: true }),
    ).toEqual({
      kind: "tcp",
      where: "redis.test:7000",
      redis: { kind: "standalone", host: "redis.test", port: 7000, db: 3, password: "p@ss:/?", username: "me", tls: true },
      tls: { servername: "other.test", rejectUnauthorized: false },
    });
    expect(await redis({ cluster: true, cluster_addrs: "a:1, b:2" })).toMatchObject({
      nodes: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
    });
    expect(await redis({ cluster: true, uri: "a:1" })).toMatchObject({ nodes: [{ host: "a", port: 1 }] });
  });

  test("is said by any URI of Asynq's; what it says itself gives way to a flag, and is filled by what is weaker", async () => {
    expect(await redis({ uri: "rediss://u:p@h:1/2" })).toMatchObject({
      host: "h",
      port: 1,
      db: 2,
      username: "u",
      password: "p",
      tls: true,
    });
    expect(await redis({ uri: "rediss://u:p@h:1/2", db: "4", password: "q", tls: false })).toMatchObject({
      db: 4,
      password: "q",
      username: "u",
      tls: false,
    });
    expect(await redis({ uri: "redis://:p@h" }, { DB: "5", PASSWORD: "other" })).toMatchObject({ db: 5, password: "p" });
    expect(await redis({ uri: "redis-sentinel://s:1,t:2/3?master=m" })).toMatchObject({ kind: "sentinel", master: "m", db: 3 });
    expect(await redis({ uri: "redis-socket:///run/redis.sock" })).toMatchObject({ kind: "socket", path: "/run/redis.sock" });
    expect(await redis({ uri: "redis-cluster://a:1", cluster: true })).toMatchObject({ kind: "cluster" });
  });

  test("is said by Asynq's variables, and by ours before them", async () => {
    const env = { URI: "h:1", DB: "2", PASSWORD: "p", USERNAME: "u", TLS: "true", INSECURE: "1", TLS_SERVER: "" };
    expect(await settings({}, env)).toMatchObject({
      redis: { host: "h", port: 1, db: 2, password: "p", username: "u", tls: true },
      tls: { rejectUnauthorized: false },
    });
    expect(await redis({}, { ...env, ASYNQ_REDIS_URL: "redis://our:2/9" })).toMatchObject({ host: "our", db: 9, password: "p" });
    expect(await redis({ db: "7" }, env)).toMatchObject({ db: 7 });
    expect(await redis({}, { CLUSTER: "TRUE", CLUSTER_ADDRS: "c:1" })).toMatchObject({ kind: "cluster", nodes: [{ host: "c", port: 1 }] });
  });

  test("does not take who sits at a desktop for a user of Redis", async () => {
    expect(await redis({ password: "p" }, { USERNAME: "alice" })).not.toHaveProperty("username");
    expect(await redis({}, { USERNAME: "alice", ASYNQ_REDIS_URL: "redis://:p@h" })).toMatchObject({ username: undefined });
    expect(await redis({ username: "bob", password: "p" }, { USERNAME: "alice" })).toMatchObject({ username: "bob" });
  });

  test("is an HTTP Redis by --url, or by a URI that begins with http", async () => {
    const http = { kind: "http", where: "redis.test", url: "https://redis.test", token: "t" };
    expect(await settings({ url: "https://redis.test", token: "t" })).toEqual(http);
    expect(await settings({ uri: "https://redis.test", token: "t" })).toEqual(http);
    expect(await settings({}, { ASYNQ_REDIS_URL: "https://redis.test", ASYNQ_REDIS_TOKEN: "t" })).toEqual(http);
    expect(await settings({ url: "https://redis.test", token: "t" }, { DB: "3" }, home({ ".asynq.yaml": "tls: true" }))).toEqual(http);
    expect(await settings({ uri: "h:1" }, {}, home({ ".asynq.yaml": "url: https://redis.test\ntoken: t" }))).toMatchObject({ kind: "tcp" });
  });
});

describe("the config file", () => {
  test.for<[name: string, text: string]>([
    [".asynq.yaml", "uri: h:1\ndb: 2\nPassword: 123\ntls: true"],
    [".asynq.yml", "uri: 'h:1'\ndb: '2'\npassword: '123'\ntls: 'true'"],
    [".asynq.json", '{"uri":"h:1","db":2,"password":"123","tls":true}'],
    [".asynq.toml", 'uri = "h:1"\ndb = 2\npassword = "123"\ntls = true'],
  ])("%s of the home directory is read; environment and flags win over it", async ([name, text]) => {
    const dir = home({ [name]: text });
    expect(await redis({}, {}, dir)).toMatchObject({ host: "h", port: 1, db: 2, password: "123", tls: true });
    expect(await redis({ uri: "g:1" }, { DB: "3" }, dir)).toMatchObject({ host: "g", db: 3, password: "123" });
    expect((await readSettings(() => undefined, { env: {}, homeDir: dir })).file).toBe(path.join(dir, name));
  });

  test("that was named is read in place of that of the home directory, and may be empty", async () => {
    const dir = home({ ".asynq.yaml": "uri: home:1", "other.toml": 'uri = "other:1"', "empty.yaml": "" });
    expect(await redis({ config: path.join(dir, "other.toml") }, {}, dir)).toMatchObject({ host: "other" });
    expect(await redis({ config: path.join(dir, "empty.yaml") }, {}, dir)).toEqual(local);
  });

  test("may list the nodes of a Cluster", async () => {
    expect(await redis({}, {}, home({ ".asynq.yaml": "cluster: true\ncluster_addrs: [a:1, b:2]" }))).toMatchObject({
      nodes: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
    });
  });
});

describe("what cannot be used is named as it was written, before anything is sent", () => {
  test.for<[why: string, flags: object, env: Record<string, string>, files: Record<string, string>, said: RegExp]>([
    ["a database", { db: "first" }, {}, {}, /^--db: expected the number of a database, such as 0$/],
    ["a variable", {}, { DB: "postgres" }, {}, /^DB: expected the number of a database/],
    ["a boolean", {}, { CLUSTER: "prod" }, {}, /^CLUSTER: expected true or false$/],
    ["a key of a file", {}, {}, { ".asynq.yaml": "db: many" }, /^db in .*\.asynq\.yaml: expected the number/],
    ["a URI", { uri: "http2://x" }, {}, {}, /^--uri: invalid redis URI: /],
    ["a URI with a password", { uri: "redis://:secret@h:0" }, {}, {}, /^--uri: invalid redis URI: expected a port from 1 to 65535$/],
    ["a port", { uri: "h:99999" }, {}, {}, /^--uri: .*port/],
    ["a Cluster at a single Redis", { uri: "redis://h", cluster: true }, {}, {}, /^--uri: expected redis-cluster/],
    ["two places", { uri: "h:1", url: "https://h" }, {}, {}, /^say either --uri or --url, not both$/],
    ["no address at all, as a shell leaves of a variable that is not set", { uri: "" }, {}, {}, /^--uri: expected host:port or a URI$/],
    ["an address of blanks", {}, { URI: "  " }, {}, /^URI: expected host:port or a URI$/],
    ["another database over HTTP", { url: "https://h", token: "t", db: "3" }, {}, {}, /^--db is not for an HTTP Redis, which --url names$/],
    ["TLS over HTTP", { url: "https://h", token: "t", tls: true }, {}, {}, /^--tls is not for an HTTP Redis/],
    [
      "a password over HTTP",
      { password: "secret" },
      { ASYNQ_REDIS_URL: "https://h" },
      {},
      /^--password is not for an HTTP Redis, which ASYNQ_REDIS_URL names$/,
    ],
    ["a URL", { url: "nowhere", token: "t" }, {}, {}, /^--url: expected a URL such as /],
    ["a URL of another kind", { url: "redis://h:6379", token: "t" }, {}, {}, /^--url: expected a URL such as /],
    ["no token", {}, { ASYNQ_REDIS_URL: "https://h" }, {}, /^ASYNQ_REDIS_URL is an HTTP Redis: its token is missing/],
    [
      "a file that is not there",
      { config: "/nonexistent/a.yaml" },
      {},
      {},
      /^cannot use the config file \/nonexistent\/a.yaml: there is no such file$/,
    ],
    ["another kind of file", { config: "/etc/hosts" }, {}, {}, /hosts: expected its name to end in one of json, toml, yaml, yml$/],
    ["broken YAML", {}, {}, { ".asynq.yaml": "uri: [secret" }, /\.asynq\.yaml: it is no valid YAML$/],
    ["broken JSON", {}, {}, { ".asynq.json": "{secret" }, /\.asynq\.json: it is no valid JSON$/],
    ["broken TOML", {}, {}, { ".asynq.toml": "secret =" }, /\.asynq\.toml: it is no valid TOML$/],
    ["a list", {}, {}, { ".asynq.yaml": "- secret" }, /\.asynq\.yaml: expected keys and values/],
  ])("%s", async ([, flags, env, files, said]) => {
    const refused = await settings(flags, env, home(files)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ exitCode: 2, message: expect.stringMatching(said) });
    expect(String(refused)).not.toContain("secret");
  });
});
