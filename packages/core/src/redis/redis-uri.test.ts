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
    "",
    "secret@localhost:6379",
    "http://:secret@localhost",
    "redis://:secret@h:port",
    "redis://:secret@h:0",
    "redis://:secret@h:65536",
    "redis://:secret@h\n",
    "redis://:secret@h /1",
    "redis-sentinel://:secret@a,,b?master=m",
    "redis://:secret@h/db",
    "redis://:secret@h/1,2,3",
    "redis://:secret%zz@h",
    "redis-socket://:secret@",
    "redis-socket://:secret@/s?db=one",
    "redis-sentinel://:secret@a:1",
    "redis-cluster://:secret@a:1/3",
  ])("refuses %s by a typed error that keeps the password to itself", (uri) => {
    expect(() => parseRedisUri(uri)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.not.stringContaining("secret") }),
    );
  });
});
