import type { Socket } from "node:net";
import { type CancelTarget, cancelProcessing, RevokeTask, systemClock } from "@asynqjs/core";
import { manualClock } from "@asynqjs/core/testing";
import type { Redis } from "ioredis";
import { useOwnRedis } from "../../../test/support/redis-test.ts";
import { closing, describe, expect, gate, startSec, test, until, watching } from "../../../test/support/server-test.ts";
import { tcpFaults } from "../../../test/support/tcp-faults.ts";
import { secondClient } from "./connect.ts";
import type { ProcessingTask } from "./processing-task.ts";
import { subscriber } from "./subscriber.ts";

// It cuts every connection that subscribes, whoever's it is.
useOwnRedis();

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Ends when it is told to. */
const obedient = (task: ProcessingTask): Promise<void> =>
  new Promise((_, reject) => task.signal.addEventListener("abort", () => reject(task.signal.reason), { once: true }));

async function listening(redis: Redis, servers = 1): Promise<void> {
  await until(async () => Number((await redis.pubsub("NUMSUB", "asynq:js:cancel"))[1]) === servers);
}

describe("a canceled task", () => {
  test("ends by its signal, and waits for its next try as in Asynq, a retry charged", async ({
    makeServer,
    seed,
    redisUrl,
    redis,
    message,
  }) => {
    await seed({ taskId: "a" });
    const server = makeServer({ retryDelayFunc: () => 60_000 }, redisUrl);
    await server.start(obedient);
    await until(() => server.metrics().started === 1);
    await listening(redis);

    // What Go's `asynq task cancel` publishes.
    await redis.publish("asynq:cancel", "a");

    await until(() => server.metrics().retried === 1);
    expect(server.metrics().canceled).toBe(1);
    expect(await message("a")).toMatchObject({ retried: 1, errorMsg: "context canceled" });
    expect(await redis.zscore("asynq:{default}:retry", "a")).toBe(String(startSec + 60));
  });

  for (const [onCancel, hashes] of [
    ["archive", 1],
    ["delete", 0],
  ] as const) {
    test(`follows the server's onCancel: ${onCancel}`, async ({ makeServer, seed, redisUrl, redis, broker }) => {
      await seed({ taskId: "a" });
      const server = makeServer({ onCancel }, redisUrl);
      await server.start(obedient);
      await until(() => server.metrics().started === 1);
      await listening(redis);

      await cancelProcessing(broker, [{ id: "a", queue: "default" }]);

      await until(() => server.metrics().archived + server.metrics().revoked === 1);
      expect(await redis.exists("asynq:{default}:t:a")).toBe(hashes);
      expect(await redis.zcard("asynq:{default}:archived")).toBe(hashes);
    });
  }

  test("may say itself what becomes of it, before the grace is over", async ({ makeServer, seed, redisUrl, redis, broker }) => {
    await seed({ taskId: "revokes" }, { taskId: "succeeds" });
    const server = makeServer({ onCancel: "archive" }, redisUrl);
    await server.start(async (task) => {
      await obedient(task).catch(() => {});
      if (task.id === "revokes") throw new RevokeTask();
    });
    await until(() => server.metrics().started === 2);
    await listening(redis);

    await cancelProcessing(broker, [{ id: "revokes" }, { id: "succeeds" }]);

    await until(() => server.metrics().revoked === 1 && server.metrics().done === 1);
    expect(await redis.exists("asynq:{default}:archived")).toBe(0);
  });

  test("is the one of the queue that is named, where two queues have the same id", async ({
    makeServer,
    seed,
    redisUrl,
    redis,
    broker,
  }) => {
    await seed({ taskId: "a" }, { taskId: "a", queue: "low" });
    const server = makeServer({ queues: { default: 1, low: 1 } }, redisUrl);
    await server.start(obedient);
    await until(() => server.metrics().started === 2);
    await listening(redis);

    await cancelProcessing(broker, [{ id: "a", queue: "low" }]);
    await until(() => server.metrics().retried === 1);
    expect(await redis.hget("asynq:{low}:t:a", "state")).toBe("retry");
    expect(await redis.hget("asynq:{default}:t:a", "state")).toBe("active");

    await cancelProcessing(broker, [{ id: "a" }]);
    await until(() => server.metrics().retried === 2);
  });
});

describe("subscriber", () => {
  test("hears again after its connection was cut", async ({ makeServer, seed, redisUrl, redis }) => {
    await seed({ taskId: "a" });
    const server = makeServer({}, redisUrl);
    await server.start(obedient);
    await until(() => server.metrics().started === 1);
    await listening(redis);

    await redis.client("KILL", "TYPE", "PUBSUB");
    await listening(redis, 0);
    await listening(redis);
    await redis.publish("asynq:cancel", "a");

    await until(() => server.metrics().retried === 1);
  });

  test("hears again after its client ended, which it does by itself where Sentinels replace a master", async ({ redisUrl, redis }) => {
    const heard: CancelTarget[] = [];
    const client = secondClient(redisUrl, silent, systemClock) as Redis;
    const part = subscriber(client, { clock: systemClock, logger: silent }, (target) => heard.push(target));
    part.start();
    await listening(redis);

    client.disconnect();
    await listening(redis, 0);
    await listening(redis);
    await redis.publish("asynq:cancel", "a");

    await until(() => heard.length > 0);
    await part.stop();
    await listening(redis, 0);
  });

  test.for(["a URI", "a client that is shared"])(
    "hears again, and ends nothing, when a connection breaks in the moment it is ready: %s",
    async (source, { redisUrl, redis }) => {
      const heard: CancelTarget[] = [];
      const client = secondClient(source === "a URI" ? redisUrl : redis, silent, systemClock) as Redis;
      const part = subscriber(client, { clock: systemClock, logger: silent }, (target) => heard.push(target));
      part.start();
      await listening(redis);
      // ioredis asks this last before it is ready.
      const { connector } = client as unknown as { connector: { check(info: unknown): boolean } };
      let broken = 0;
      connector.check = () => {
        if (broken++ === 0) (client as unknown as { stream: Socket }).stream.destroy();
        return true;
      };

      await redis.client("KILL", "TYPE", "PUBSUB");
      await listening(redis, 0);
      await until(() => broken > 1);
      await listening(redis);
      await redis.publish("asynq:cancel", "a");

      // A rejection that nobody waits for would end the process, as it ends this test.
      await until(() => heard.length > 0);
      expect(heard).toEqual([{ id: "a" }]);
      await part.stop();
    },
  );

  test("connects anew when its connection says nothing for 4 s, and hears again", async ({ redisUrl, redis }) => {
    const way = await tcpFaults({ port: Number(new URL(redisUrl).port) });
    const heard: CancelTarget[] = [];
    const log: string[] = [];
    const clock = manualClock();
    const client = secondClient(redisUrl.replace(/:\d+\//, `:${way.port}/`), silent, clock) as Redis;
    const logger = { ...silent, warn: (message: string) => void log.push(message) };
    const part = subscriber(client, { clock, logger }, (target) => heard.push(target));
    const { signal } = new AbortController();
    await part.probe(signal);
    part.start();
    await listening(redis);
    await part.probe(signal);
    expect(way.connections).toBe(1);

    way.silence("both");
    const probed = part.probe(signal);
    await clock.advance(3_999);
    expect(log).toEqual([]);
    await clock.advance(1);
    await probed;
    expect(log).toEqual(["redis does not answer the subscriber: it connects anew"]);
    way.silence("none");
    await until(() => way.connections === 2);
    await listening(redis, 1);
    await redis.publish("asynq:cancel", "a");

    await until(() => heard.length > 0);
    await part.stop();
    await way.stop();
  });

  test.for([
    ["nothing runs", 75_000],
    ["a task runs", 10_000],
  ] as const)(
    "a way that is silent is noticed, and what is enqueued then is run, while %s: after %i ms at most",
    async ([what, mostMs], { makeServer, seed, redisUrl, clock, pass, log }) => {
      const way = await tcpFaults({ port: Number(new URL(redisUrl).port) });
      const server = makeServer({}, redisUrl.replace(/:\d+\//, `:${way.port}/`));
      const handler = gate();
      await server.start(({ id }) => (id === "first" ? handler.opened : undefined));
      await watching(pass, server);
      if (what === "a task runs") await seed({ taskId: "first" });
      await until(() => server.metrics().busy === (what === "a task runs" ? 1 : 0));
      await pass(7_000);

      way.silence("both");
      await pass(mostMs);
      expect(log).toContain("warn redis does not answer the subscriber: it connects anew");
      // ioredis takes half a second to part with a connection.
      await until(() => !server.metrics().watching);

      way.silence("none");
      await watching(pass, server);
      await seed({ taskId: "second" });
      await until(() => server.metrics().done === 1);
      handler.open();
      await closing(server, clock);
      await way.stop();
    },
  );

  test("asks again after 5 s for what Redis refused", async ({ makeServer, redisUrl, redis, clock, log }) => {
    await redis.call("ACL", "SETUSER", "deaf", "on", ">pw", "~*", "&*", "+@all", "-subscribe");
    const server = makeServer({}, redisUrl.replace("//", "//deaf:pw@"));
    await server.start(() => {});
    await until(() => log.some((line) => line.startsWith("warn subscriber could not subscribe to cancelations")));

    await redis.call("ACL", "SETUSER", "deaf", "+subscribe");
    await clock.advance(4_999);
    expect(await redis.pubsub("NUMSUB", "asynq:js:cancel")).toEqual(["asynq:js:cancel", 0]);
    await clock.advance(1);

    await listening(redis);
    await closing(server, clock);
    await redis.call("ACL", "DELUSER", "deaf");
  });

  test("leaves with its server, and makes a connection of its own beside a client that is shared", async ({ makeServer, redis }) => {
    const server = makeServer({}, redis);
    await server.start(() => {});
    await listening(redis);
    expect(await redis.ping()).toBe("PONG");

    await server.shutdown();

    await listening(redis, 0);
    expect(await redis.ping()).toBe("PONG");
  });
});
