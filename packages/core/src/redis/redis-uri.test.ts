import { describe, expect, test } from "vitest";
import { parseRedisUri } from "./redis-uri.ts";

describe("parseRedisUri", () => {
  test.each([
    ["redis://localhost:6379", { kind: "standalone", host: "localhost", port: 6379, tls: false }],
    ["redis://:mypassword@localhost:6379", { kind: "standalone", host: "localhost", port: 6379, password: "mypassword", tls: false }],
    [
      "redis://bob:my%2Fpass@10.0.0.1:7000/3",
      { kind: "standalone", host: "10.0.0.1", port: 7000, username: "bob", password: "my/pass", db: 3, tls: false },
    ],
    ["redis://a:b@c:d@h:1", { kind: "standalone", host: "h", port: 1, username: "a", password: "b@c:d", tls: false }],
    ["rediss://h/", { kind: "standalone", host: "h", port: 6379, tls: true }],
    ["REDIS://[::1]:7001/2/x", { kind: "standalone", host: "::1", port: 7001, db: 2, tls: false }],
    ["redis-socket:///var/run/redis/redis.sock", { kind: "socket", path: "/var/run/redis/redis.sock" }],
    ["redis-socket://:pw@/var/run/redis.sock?db=7", { kind: "socket", path: "/var/run/redis.sock", password: "pw", db: 7 }],
    [
      "redis-sentinel://:pw@a:5000,b:5001,c/4?master=mymaster&password=data",
      {
        kind: "sentinel",
        master: "mymaster",
        sentinels: [
          { host: "a", port: 5000 },
          { host: "b", port: 5001 },
          { host: "c", port: 26379 },
        ],
        sentinelPassword: "pw",
        password: "data",
        db: 4,
        tls: false,
      },
    ],
    [
      "redis-cluster://u:p@a:7000,b:7001",
      {
        kind: "cluster",
        nodes: [
          { host: "a", port: 7000 },
          { host: "b", port: 7001 },
        ],
        username: "u",
        password: "p",
        tls: false,
      },
    ],
  ])("reads %s", (uri, expected) => {
    expect(parseRedisUri(uri)).toEqual(expected);
  });

  test.each([
    ["redis://bob@h", { kind: "standalone", host: "h", port: 6379, username: "bob", tls: false }],
    ["redis://@h", { kind: "standalone", host: "h", port: 6379, tls: false }],
    ["redis://:7000", { kind: "standalone", host: "localhost", port: 7000, tls: false }],
    ["redis://h:65535//12/3", { kind: "standalone", host: "h", port: 65_535, db: 12, tls: false }],
    ["unix:///run/redis%20a.sock", { kind: "socket", path: "/run/redis a.sock" }],
    [
      "REDISS-SENTINEL://a?master=m&username=u",
      { kind: "sentinel", master: "m", sentinels: [{ host: "a", port: 26_379 }], username: "u", tls: true },
    ],
    ["rediss-cluster://a/0", { kind: "cluster", nodes: [{ host: "a", port: 6379 }], tls: true }],
    ["redis-cluster://", { kind: "cluster", nodes: [{ host: "localhost", port: 6379 }], tls: false }],
  ])("reads %s, which leaves something out", (uri, expected) => {
    expect(parseRedisUri(uri)).toEqual(expected);
  });

  const expectedUri = "expected a URI such as redis://localhost:6379/0";
  const expectedSocket = "expected the path of a socket, as in redis-socket:///run/redis.sock";
  test.each([
    ["", expectedUri],
    ["secret@localhost:6379", expectedUri],
    [" redis://:secret@h", expectedUri],
    ["redis://:secret@h\n", expectedUri],
    ["redis://:secret@h /1", expectedUri],
    ["http://:secret@localhost", 'unsupported scheme "http"; expected redis, rediss, redis-socket, redis-sentinel or redis-cluster'],
    ["redis://:secret@h:port", "expected host:port"],
    ["redis://:secret@h:0", "expected a port from 1 to 65535"],
    ["redis://:secret@h:65536", "expected a port from 1 to 65535"],
    ["redis-sentinel://:secret@a,,b?master=m", "expected a host between two commas"],
    ["redis://:secret@h/db", "expected a whole number as database number"],
    ["redis://:secret@h/1,2,3", "expected a whole number as database number"],
    ["redis://:secret@h/a/1", "expected a whole number as database number"],
    ["redis://:secret%zz@h", "it holds a broken percent escape"],
    ["redis-socket://:secret@", expectedSocket],
    ["redis-socket://:secret@/", expectedSocket],
    ["redis-socket://:secret@/s?db=one", "expected a whole number as db"],
    ["redis-sentinel://:secret@a:1", "expected the name of the master, as in ?master=mymaster"],
    ["redis-cluster://:secret@a:1/3", "a Redis Cluster has no databases but 0"],
  ])("refuses %s by a typed error that keeps the password to itself", (uri, why) => {
    expect(() => parseRedisUri(uri)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message: `invalid redis URI: ${why}` }));
  });
});
