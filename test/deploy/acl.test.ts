import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Task } from "@asynqjs/client-edge";
import {
  type Broker,
  cancelProcessing,
  correctedClock,
  estimateMemory,
  extendAggregationSetScript,
  listExpiredLeases,
  listGroups,
  listQuarantined,
  listQueues,
  listSchedulerEnqueueEvents,
  makeBroker,
  type RedisPort,
  readQueueStats,
  setMembersAsideScript,
  systemClock,
  systemRandom,
} from "@asynqjs/core";
import { addCronEntry, listCronEntries } from "@asynqjs/core/cron";
import { examine } from "@asynqjs/core/doctor";
import { Inspector } from "@asynqjs/core/inspector";
import { scanInvariants } from "@asynqjs/core/invariants";
import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { ioredisPort } from "@asynqjs/core/redis/ioredis";
import { runTicks, tickNames } from "@asynqjs/cron-fn";
import { Scheduler } from "@asynqjs/cron-fn/scheduler";
import { startGateway } from "@asynqjs/gateway";
import { Semaphore, ServeMux, Server, SkipRetry } from "@asynqjs/worker-node";
import { redisPort } from "@asynqjs/worker-node/redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { readRecipe } from "./recipe.ts";
import { lookByCli, steerByCli } from "./use-cli.ts";
import { inspectorMethods, lookAtAll, lookingMethods, steerAll } from "./use-inspector.ts";
import { namedIn, watchCommands } from "./watch-commands.ts";

const components = ["edge", "worker", "cron", "gateway", "read-only", "operator"] as const;
type Component = (typeof components)[number];

const folder = fileURLToPath(new URL("../../deploy/acl/", import.meta.url));
const passwords = new Map<Component, string>(components.map((name) => [name, randomBytes(32).toString("hex")]));
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function printUser(component: string, password: string): { readonly status: number | null; readonly line: string } {
  const { status, stdout } = spawnSync(path.join(folder, "user.sh"), [component], {
    cwd: folder,
    input: `${password}\n`,
    encoding: "utf8",
  });
  return { status, line: stdout };
}

/** What a recipe's rules let a component ask. */
function allowed(component: Component): string[] {
  return Array.from(readRecipe(`acl/${component}.acl`).matchAll(/(?<=^|\s)\+(\S+)/g), ([, command]) => command!).sort();
}

let server: RedisServer;
let dir: string;
/** Of the user that may do everything, and is not looked at. */
let redis: Redis;
let known: ReadonlySet<string>;

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), "asynqjs-acl-"));
  const lines = components.map((name) => printUser(name, passwords.get(name)!).line);
  writeFileSync(path.join(dir, "users.acl"), `user default on nopass ~* &* +@all\n${lines.join("")}`);
  server = await startRedis({ args: ["--aclfile", path.join(dir, "users.acl")] });
  // Not the first database, so that it has to be selected.
  redis = new Redis(`${server.url}/1`, { protocol: 2 });
  known = new Set(((await redis.call("COMMAND", "LIST")) as string[]).map((name) => name.toLowerCase()));
}, 30_000);
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  rmSync(dir, { recursive: true });
});

function urlOf(component: Component): string {
  const url = new URL(`${server.url}/1`);
  url.username = `asynqjs-${component}`;
  url.password = passwords.get(component)!;
  return url.href;
}

function brokerOn(port: RedisPort): Broker {
  return makeBroker({ redis: port, clock: correctedClock(systemClock), random: systemRandom });
}

/** Everything there is to be enqueued, by this way. */
async function enqueueAll(port: RedisPort): Promise<void> {
  const client = new Client({ redis: port });
  await client.ping();
  await client.enqueue(new Task("plain", { n: 1 }));
  await client.enqueue(new Task("later"), { processInSec: 60 });
  await client.enqueue(new Task("unique"), { uniqueTtlSec: 60 });
  await expect(client.enqueue(new Task("unique"), { uniqueTtlSec: 60 })).rejects.toMatchObject({ code: "DUPLICATE_TASK" });
  await client.enqueue(new Task("grouped"), { group: "g" });
  await client.enqueue(new Task("grouped later"), { group: "g", uniqueTtlSec: 60, retentionSec: 1 });
}

/** Leaves in a queue what each tick has something to do with. */
async function leaveWork(queue: string): Promise<void> {
  const broker = brokerOn(ioredisPort(redis));
  const client = new Client({ redis: broker.redis });
  const nowSec = Math.floor(Date.now() / 1000);
  const prefix = `asynq:{${queue}}:`;
  for (const taskId of ["due", "lost", "over", "broken"]) await client.enqueue(new Task("plain"), { queue, taskId });
  const msg = async (id: string): Promise<Buffer> => (await redis.hgetBuffer(`${prefix}t:${id}`, "msg"))!;
  const move = async (id: string, state: string, score: number, field = state): Promise<void> => {
    await redis.lrem(`${prefix}pending`, 0, id);
    await redis.hset(`${prefix}t:${id}`, "state", field);
    await redis.zadd(`${prefix}${state}`, score, id);
  };
  await move("due", "scheduled", nowSec - 1);
  await move("over", "completed", nowSec - 1);
  await redis.lrem(`${prefix}pending`, 0, "lost");
  await redis.hset(`${prefix}t:lost`, "msg", await msg("lost"), "state", "active");
  await redis.lpush(`${prefix}active`, "lost");
  await redis.zadd(`${prefix}lease`, nowSec - 100, "lost");
  await redis.hset(`${prefix}t:broken`, "msg", "no message");
  for (const taskId of ["a", "b"]) await client.enqueue(new Task("grouped"), { queue, taskId, group: "g" });
  // A set that nobody aggregated in time, and one whose tasks were.
  await client.enqueue(new Task("grouped"), { queue, taskId: "c", group: "h" });
  await redis.rename(`${prefix}g:h`, `${prefix}g:h:stale`);
  await redis.zadd(`${prefix}aggregation_sets`, nowSec - 10_000, `${prefix}g:h:stale`);
  // Active without a lease; two tasks in no container, of which one was found so a while ago.
  await client.enqueue(new Task("plain"), { queue, taskId: "leaseless" });
  await redis.lrem(`${prefix}pending`, 0, "leaseless");
  await redis.lpush(`${prefix}active`, "leaseless");
  await redis.hset(`${prefix}t:leaseless`, "state", "active");
  for (const id of ["ghost", "young-ghost"]) await redis.hset(`${prefix}t:${id}`, "msg", await msg("due"), "state", "pending");
  await redis.zadd("asynq:js:sweep:found", nowSec - 100, `${prefix}t:ghost`);
}

type Script = Pick<typeof setMembersAsideScript, "text">;
/** Sent where a task of a group cannot be read, and where an aggregator takes long. */
const rare = [setMembersAsideScript, extendAggregationSetScript] as unknown as readonly Script[];

/**
 * Lets a component work where something was left for it to do, watched; `all` waits until what it may do was done. What was asked, and what the
 * scripts that were sent may ask, has to be what may be asked, with the scripts of rare cases beside; nothing may have been refused.
 */
async function expectAllowed(
  component: Component,
  beside: readonly Script[],
  work: (all: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await redis.flushall();
  await leaveWork("default");
  // So that each script is sent as text, and can be read.
  await redis.script("FLUSH");
  await redis.acl("LOG", "RESET");
  const { plain, named, inScripts, stop } = await watchCommands(redis, known);
  const ofRare = beside.flatMap((script) => namedIn(script.text("raw", false), known));
  const asked = (): string[] => [...new Set([...plain, ...named, ...ofRare])].filter((name) => !alwaysAllowed.has(name)).sort();
  try {
    await work(() => expect.poll(() => allowed(component).filter((name) => !asked().includes(name)), soon).toEqual([]));
  } finally {
    await stop();
  }
  const log = (await redis.call("ACL", "LOG")) as unknown[][];
  expect(
    log.map((entry) => [entry[3], entry[5], entry[7], entry[9]]),
    `refused to ${component}`,
  ).toEqual([]);
  expect(asked()).toEqual(allowed(component));
  expect([...inScripts].filter((name) => !named.has(name))).toEqual([]);
}

/** Redis asks no ACL about these. */
const alwaysAllowed: ReadonlySet<string> = new Set(["auth", "hello", "quit", "reset"]);

const soon = { timeout: 20_000, interval: 50 };

describe("the least that each component may do is what it does", () => {
  test("edge: enqueues, over TCP", async () => {
    const port = redisPort(urlOf("edge"));
    await expectAllowed("edge", [], () => enqueueAll(port));
    await port.close();
  });

  test("worker: everything a server does, a semaphore, and enqueuing", async () => {
    await expectAllowed("worker", rare, async (all) => {
      const semaphore = new Semaphore(urlOf("worker"), "s", 1, { logger: silent });
      const mux = new ServeMux();
      mux.handle("good", async (task) => {
        await semaphore.acquire(task);
        await task.logWriter.log("a line");
        await task.resultWriter.write("done");
        await semaphore.release(task);
      });
      mux.handle("quick", () => {});
      mux.handle("bad", () => Promise.reject(new Error("no")));
      mux.handle("worse", () => Promise.reject(new SkipRetry("never")));
      let runsLong = false;
      mux.handle("long", (task) => {
        runsLong = true;
        return new Promise((resolve) => task.signal.addEventListener("abort", resolve));
      });
      const config = {
        concurrency: 10,
        queues: { default: 1, other: 1 },
        logger: silent,
        handBackUnknown: true,
        delayedTaskCheckIntervalMs: 50,
        recoverIntervalMs: 50,
        janitorIntervalMs: 50,
        repairIntervalMs: 50,
        heartbeatIntervalMs: 100,
        taskCheckIntervalMs: 50,
        healthCheckFunc: () => {},
        healthCheckIntervalMs: 50,
        groupAggregator: () => new Task("good"),
        groupGracePeriodMs: 1_000,
        groupMaxSize: 2,
      };
      const running = new Server(urlOf("worker"), config);
      onTestFinished(() => running.shutdown());
      await running.start(mux);
      const port = redisPort(urlOf("worker"));
      const client = new Client({ redis: port });
      const operator = brokerOn(ioredisPort(redis));
      for (const type of ["good", "bad", "worse", "strange"]) await client.enqueue(new Task(type), { retentionSec: 1, uniqueTtlSec: 30 });
      // So many that it has no need to hear of more.
      await expect.poll(() => running.metrics().watching, soon).toBe(true);
      await client.enqueueMany(Array.from({ length: 200 }, () => new Task("quick")));
      await client.enqueue(new Task("long"), { taskId: "long" });
      // A run that begins later is not meant.
      await expect.poll(() => runsLong, soon).toBe(true);
      await cancelProcessing(operator, [{ id: "long", queue: "default" }]);
      await expect.poll(() => redis.zcard("asynq:{default}:archived"), soon).toBeGreaterThan(0);
      await all();
      const counters = ["aggregatedSets", "recovered", "expired", "handedBack", "canceled"] as const;
      await expect.poll(() => counters.filter((name) => running.metrics()[name] === 0), soon).toEqual([]);
      await running.shutdown();
      await semaphore.close();
      await port.close();
    });
  });

  const cronWork = async (port: RedisPort): Promise<void> => {
    const aggregate = { aggregator: () => new Task("digest"), gracePeriodSec: 1, maxSize: 2 };
    for (let run = 0; run < 2; run++) await runTicks(brokerOn(port), { ticks: tickNames, aggregate, sweep: true });
  };

  test("cron: every tick, cron entries and a scheduler", async () => {
    await expectAllowed("cron", rare, async (all) => {
      const client = new Redis(urlOf("cron"), { protocol: 2 });
      await addCronEntry(brokerOn(ioredisPort(client)), { id: "each-second", spec: "* * * * * *", type: "plain" });
      await cronWork(ioredisPort(client));
      client.disconnect();
      let fired = 0;
      const postEnqueueFunc = (): void => void fired++;
      const scheduler = new Scheduler(urlOf("cron"), { logger: silent, heartbeatIntervalMs: 200, postEnqueueFunc });
      scheduler.register("@every 1s", new Task("plain"));
      await scheduler.start();
      await expect.poll(() => fired, soon).toBeGreaterThan(0);
      await all();
      await scheduler.shutdown();
    });
  });

  test("gateway: what edge clients and cron functions ask of it over HTTP", async () => {
    await expectAllowed("gateway", rare, async () => {
      const token = "a-token-for-tests";
      const gateway = await startGateway({ redis: urlOf("gateway"), tokens: [token], port: 0 });
      const port = fetchRedis({ url: gateway.url, token });
      await enqueueAll(port);
      await addCronEntry(brokerOn(port), { id: "each-second", spec: "* * * * * *", type: "plain" });
      await cronWork(port);
      expect(await (await fetch(`${gateway.url}/health`)).json()).toEqual({ redis: "up" });
      await gateway.close();
    });
  });

  test("read-only: all that an inspector shows, figures, and the look for what should never be", async () => {
    await expectAllowed("read-only", [], async () => {
      const client = new Redis(urlOf("read-only"), { protocol: 2 });
      const broker = brokerOn(ioredisPort(client));
      const queues = await listQueues(broker);
      await readQueueStats(broker, queues);
      await estimateMemory(broker, queues);
      await listQuarantined(broker, "default");
      await listExpiredLeases(broker, "default", 1);
      await listGroups(broker, "default");
      await listCronEntries(broker);
      await listSchedulerEnqueueEvents(broker, "cron:each-second");
      await scanInvariants(broker.redis);
      await scanInvariants(broker.redis, { queues: ["default"] });
      const called = await lookAtAll(broker, "default", "due", "g");
      expect(lookingMethods.filter((name) => !called.has(name))).toEqual([]);
      expect(await lookByCli(urlOf("read-only"))).toEqual([]);
      client.disconnect();
    });
  });

  test("operator: what the command line steers", async () => {
    await redis.flushall();
    await leaveWork("default");
    await redis.acl("LOG", "RESET");

    expect(await steerByCli(urlOf("operator"))).toEqual([]);

    expect(await redis.call("ACL", "LOG")).toEqual([]);
    expect(await redis.smembers("asynq:queues")).toEqual(["default"]);
  });

  test("operator: all that an inspector shows and does, cron entries, and enqueuing", async () => {
    await expectAllowed("operator", [], async () => {
      const client = new Redis(urlOf("operator"), { protocol: 2 });
      const port = ioredisPort(client);
      await enqueueAll(port);
      const broker = brokerOn(port);
      await scanInvariants(broker.redis);
      expect(await lookByCli(urlOf("operator"))).toEqual([]);
      const called = await lookAtAll(broker, "default", "due", "g");
      for (const name of await steerAll(broker, "default", "due", "g")) called.add(name);
      expect(inspectorMethods.filter((name) => !called.has(name))).toEqual([]);
      client.disconnect();
    });
  });
});

test("the doctor, as who may only read with what the README adds for it, knows all that there is to know, and is refused nothing", async () => {
  await redis.flushall();
  await leaveWork("default");
  const [, row] = /^\| the doctor [^|]*\| `read-only` \| `([^|]*(?:\\\|[^|]*)*) \|$/m.exec(readRecipe("acl/README.md"))!;
  const added = Array.from(row!.matchAll(/\+[a-z]+(?:\\\|[a-z]+)?/g), ([rule]) => rule.replace("\\", ""));
  expect(added).toContain("+acl|log");
  await redis.call("ACL", "SETUSER", "asynqjs-read-only", ...added);
  onTestFinished(async () => {
    await redis.call("ACL", "SETUSER", "asynqjs-read-only", ...added.map((rule) => rule.replace("+", "-")));
    await redis.call("ACL", "SETUSER", "asynqjs-read-only", ...allowed("read-only").map((rule) => `+${rule}`));
  });
  await redis.acl("LOG", "RESET");
  const client = new Redis(urlOf("read-only"), { protocol: 2 });
  onTestFinished(() => client.disconnect());

  const { diagnoses } = await examine(brokerOn(ioredisPort(client)));

  expect(await redis.call("ACL", "LOG")).toEqual([]);
  expect(diagnoses.filter(({ code }) => code === "not-known" || code === "acl-refused")).toEqual([]);
});

test("who may only read is told of the servers that live, and leaves the dead ones in their index", async () => {
  await redis.flushall();
  await redis.zadd("asynq:servers", 1, "asynq:servers:{gone}", 9_999_999_999, "asynq:servers:{there}");
  const listed = async (component: Component): Promise<number> => {
    const client = new Redis(urlOf(component), { protocol: 2 });
    const servers = await new Inspector({ redis: ioredisPort(client) }).servers();
    client.disconnect();
    expect(servers).toEqual([]);
    return redis.zcard("asynq:servers");
  };
  expect(await listed("read-only")).toBe(2);
  expect(await listed("operator")).toBe(1);
});

describe("nothing else", () => {
  test.each(components)("%s: no other key, no command of the server, in a script neither", async (component) => {
    await redis.set("other", "secret");
    const user = new Redis(urlOf(component), { protocol: 2 });
    const asked: (readonly [string, ...string[]])[] = [
      ["FLUSHALL"],
      ["KEYS", "*"],
      ["CONFIG", "GET", "*"],
      ["ACL", "LIST"],
      ["GET", "other"],
    ];
    const told: typeof asked = component === "operator" ? [] : [["PUBLISH", "asynq:cancel", "a"]];
    for (const command of [...asked, ...told, ["SUBSCRIBE", "other"] as const, ["PUBLISH", "other", "a"] as const])
      await expect(user.call(...command), command.join(" ")).rejects.toThrow("NOPERM");
    for (const [name, ...words] of asked)
      await expect(user.eval("return redis.call(unpack(ARGV))", "0", name, ...words), name).rejects.toThrow(
        /can't|NOPERM|not allowed|permissions/,
      );
    user.disconnect();
  });

  test.each([
    ["edge", ["LRANGE", "asynq:{default}:pending", "0", "-1"]],
    ["edge", ["HGET", "asynq:{default}:t:a", "msg"]],
    ["edge", ["DEL", "asynq:{default}:t:a"]],
    ["edge", ["ZADD", "asynq:{default}:lease", "1", "a"]],
    ["worker", ["HVALS", "asynq:js:cron"]],
    ["worker", ["GET", "asynq:schedulers:{a}"]],
    ["cron", ["GET", "asynq:servers:{a}"]],
    ["cron", ["SUBSCRIBE", "asynq:cancel"]],
    ["operator", ["KEYS", "asynq:*"]],
    ["operator", ["EVAL", "return redis.call('SET', KEYS[1], '1')", "1", "other"]],
    ["read-only", ["SET", "asynq:{default}:paused", "1"]],
    ["read-only", ["EVAL", "return redis.call('DEL', KEYS[1])", "1", "asynq:{default}:pending"]],
  ] as const)("%s: not %j", async (component, [name, ...words]) => {
    const user = new Redis(urlOf(component), { protocol: 2 });
    await expect(user.call(name, ...words)).rejects.toThrow(/NOPERM|can't|permissions/);
    user.disconnect();
  });

  test("the script that prints a user takes no short password and no part that there is not, and shows no password", () => {
    expect(printUser("wroker", "x".repeat(40))).toEqual({ status: 2, line: "" });
    expect(printUser("edge", "short")).toEqual({ status: 2, line: "" });
    const password = "x".repeat(40);
    const { status, line } = printUser("read-only", password);
    expect(status).toBe(0);
    expect(line).toMatch(/^user asynqjs-read-only reset on #[0-9a-f]{64} ~asynq:\* -@all \+dbsize [^\n]*\n$/);
    expect(line).not.toContain(password);
  });
});
