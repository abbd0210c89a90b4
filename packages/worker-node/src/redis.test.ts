import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { InvalidOptionError } from "@asynqjs/core";
import { describe } from "vitest";
import { expect, test, useOwnRedis } from "../../../test/support/redis-test.ts";
import { redisPort } from "./redis.ts";

// Its connections are counted.
useOwnRedis();

describe("redisPort", () => {
  test("is a port by a URI and by the same as an object, which connects at its first call and ends with close", async ({
    redis,
    redisUrl,
  }) => {
    const { hostname: host, port, pathname } = new URL(redisUrl);
    const ours = async (): Promise<number> => String(await redis.client("LIST")).match(/name= /g)!.length;
    const before = await ours();
    const ports = [redisPort(redisUrl), redisPort({ kind: "standalone", host, port: Number(port), db: Number(pathname.slice(1)) })];
    expect(await ours()).toBe(before);

    for (const each of ports) expect(await each.send([["INCR", "n"]])).toHaveLength(1);
    expect([await redis.get("n"), await ours()]).toEqual(["2", before + 2]);

    for (const each of ports) await each.close();
    await expect.poll(ours).toBe(before);
  });

  test.each([
    ["a Cluster by URI", "redis-cluster://127.0.0.1:1", "ioredisPort(new Cluster("],
    ["a Cluster as an object", { kind: "cluster", nodes: [{ host: "h", port: 1 }] }, "ioredisPort(new Cluster("],
    ["an address without a scheme", "localhost:6379", "expected a URI"],
    ["what is no address", { host: "h" }, "expected a URI or a connection object"],
    ["nothing", undefined, "expected a URI or a connection object"],
  ])("refuses %s before any I/O, and says what to give instead", (_, redis, message) => {
    expect(() => redisPort(redis as never)).toThrow(InvalidOptionError);
    expect(() => redisPort(redis as never)).toThrow(message);
  });

  test("comes without ioredis", () => {
    const module = fileURLToPath(new URL("redis.ts", import.meta.url));
    const program = `
      const { registerHooks } = await import("node:module");
      const asked = [];
      registerHooks({ resolve(name, context, next) { asked.push(name); return next(name, context); } });
      await import(${JSON.stringify(module)});
      console.log(JSON.stringify(asked.filter((name) => !name.startsWith("."))));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
    expect(stderr).toBe("");

    const asked = JSON.parse(stdout) as string[];
    expect(asked).toContain("node:net");
    expect(asked.filter((name) => name.includes("ioredis") && !name.startsWith("@asynqjs/"))).toEqual([]);
  });
});
