import { makeBroker, type RedisPort } from "@asynqjs/core";
import { faultyRedis, seededRandom } from "@asynqjs/core/testing";
import { describe, expect, gate, startSec, test, turn, until } from "../../../test/support/server-test.ts";
import { checkConfig } from "./config.ts";
import type { Heartbeater } from "./heartbeater.ts";
import { Counters } from "./metrics.ts";
import { Processor } from "./processor.ts";
import { settler } from "./settler.ts";

/** A port whose calls wait at the door while `closed` is a promise. */
function doored(port: RedisPort, names: readonly string[]): { readonly port: RedisPort; close(): () => void; readonly waiting: number } {
  let closed: Promise<void> | undefined;
  let waiting = 0;
  return {
    get waiting() {
      return waiting;
    },
    close() {
      let open = (): void => {};
      closed = new Promise((resolve) => {
        open = () => {
          closed = undefined;
          resolve();
        };
      });
      return open;
    },
    port: {
      ...port,
      async send(commands, options) {
        if (closed !== undefined && commands.some((command) => names.some((name) => isScript(command, name)))) {
          waiting++;
          await closed;
          waiting--;
        }
        return port.send(commands, options);
      },
    },
  };
}

/** A call that settles counts, whether it fetches or not; a fetch alone only asks whether the queue is paused. */
function isScript(command: readonly unknown[], name: string): boolean {
  if (name === "fetch of away") return command.includes("asynq:{away}:paused");
  const has = (key: string): boolean => command.some((word) => String(word).endsWith(`:${key}`));
  return command[0] === "EVALSHA" && (has("processed") ? name === "settle" : has("paused") && name === "dequeue");
}

describe("processor", () => {
  test("runs no more than concurrency at once, and all in the end", async ({ makeServer, seed }) => {
    await seed(...Array.from({ length: 25 }, (_, i) => ({ taskId: String(i) })));
    const server = makeServer({ concurrency: 4 });
    const { opened, open } = gate();
    let running = 0;
    let most = 0;

    await server.start(async () => {
      most = Math.max(most, ++running);
      await opened;
      await turn();
      running--;
    });
    await until(() => running === 4);
    open();
    await until(() => server.metrics().done === 25);

    expect(most).toBe(4);
  });

  test("takes tasks in their order, in batches of which one may overtake the other", async ({ makeServer, seed, port }) => {
    const ids = Array.from({ length: 250 }, (_, i) => String(i));
    await seed(...ids.map((taskId) => ({ taskId })));
    const faulty = faultyRedis(port);
    const server = makeServer({ concurrency: 100 }, faulty);
    const ran: number[] = [];

    await server.start(({ id }) => void ran.push(Number(id)));
    await until(() => server.metrics().done === 250);

    expect(ran.toSorted((a, b) => a - b).map(String)).toEqual(ids);
    // Two calls are under way, and Node may hear of either first.
    expect(Math.max(...ran.map((id, place) => Math.abs(id - place)))).toBeLessThanOrEqual(50);
    expect(faulty.sent.filter((commands) => isScript(commands[0]!, "settle") || isScript(commands[0]!, "dequeue")).length).toBeLessThan(25);
  });

  test("takes tasks one after the other in their order where one runs at a time", async ({ makeServer, seed }) => {
    const ids = Array.from({ length: 50 }, (_, i) => String(i));
    await seed(...ids.map((taskId) => ({ taskId })));
    const server = makeServer({ concurrency: 1 });
    const ran: string[] = [];

    await server.start(({ id }) => void ran.push(id));
    await until(() => server.metrics().done === 50);

    expect(ran).toEqual(ids);
  });

  test("has two calls under way, each of half its slots, so that Redis works while it does", async ({ makeServer, seed, port }) => {
    await seed(...Array.from({ length: 60 }, (_, i) => ({ taskId: String(i) })));
    const door = doored(port, ["settle"]);
    const open = door.close();
    const server = makeServer({ concurrency: 20 }, door.port);

    await server.start(() => {});
    await until(() => door.waiting === 2);
    expect(server.metrics()).toMatchObject({ started: 20, unsettledNow: 20 });

    open();
    await until(() => server.metrics().done === 60);
  });

  test("never sends two calls together: Redis would answer them together, and rest until all that they brought was run", async ({
    seed,
    port,
    makeServer,
  }) => {
    await seed({ taskId: "loads the scripts" });
    const before = makeServer({ random: seededRandom(4) });
    await before.start(() => {});
    await until(() => before.metrics().done === 1);
    await before.shutdown();
    await seed(...Array.from({ length: 60 }, (_, i) => ({ taskId: String(i) })));
    const { opened, open } = gate();
    let answered = 0;
    let isSending = false;
    let together = 0;
    const server = makeServer(
      { concurrency: 20 },
      {
        ...port,
        async send(commands, options) {
          const settles = commands.some((command) => isScript(command, "settle"));
          if (settles && isSending) together++;
          isSending ||= settles;
          process.nextTick(() => {
            isSending = false;
          });
          const answers = await port.send(commands, options);
          if (settles && ++answered === 2) open();
          if (settles) await opened;
          return answers;
        },
      },
    );

    await server.start(() => {});
    await until(() => server.metrics().done === 60);

    expect(together).toBe(0);
  });

  test("fills all its slots with one fetch where a call holds as many, as long as nothing ends", async ({ makeServer, seed, port }) => {
    await seed(...Array.from({ length: 20 }, (_, i) => ({ taskId: String(i) })));
    const faulty = faultyRedis(port);
    const server = makeServer({ concurrency: 20 }, faulty);
    const { opened, open } = gate();

    await server.start(() => opened);
    await until(() => server.metrics().started === 20);
    const fetches = faulty.sent.filter((commands) => isScript(commands[0]!, "dequeue"));
    open();
    await until(() => server.metrics().done === 20);

    expect(fetches).toHaveLength(1);
  });

  test("has two fetches under way where one was filled, slots are left and nothing ends", async ({ makeServer, seed, port, quiet }) => {
    await seed(...Array.from({ length: 500 }, (_, i) => ({ taskId: String(i) })));
    const door = doored(port, ["dequeue"]);
    const server = makeServer({ concurrency: 500 }, door.port);
    const { opened, open } = gate();
    let openDoor = (): void => {};
    let running = 0;

    await server.start(() => {
      if (++running === 100) openDoor = door.close();
      return opened;
    });
    await until(() => door.waiting > 0);
    await quiet();
    const { waiting } = door;
    openDoor();
    await until(() => server.metrics().started === 500);
    open();
    await until(() => server.metrics().done === 500);

    expect(waiting).toBe(2);
  });

  test("has two fetches under way where calls that settle may not fetch, though some settle", async ({ makeServer, seed, port, quiet }) => {
    await seed(...Array.from({ length: 600 }, (_, i) => ({ taskId: String(i) })));
    const settles = doored(port, ["settle"]);
    const openSettles = settles.close();
    const door = doored(settles.port, ["dequeue"]);
    const others = Array.from({ length: 250 }, (_, i) => [`q${i}`, 1]);
    const server = makeServer({ concurrency: 600, strictPriority: true, queues: { default: 2, ...Object.fromEntries(others) } }, door.port);
    let openDoor = (): void => {};
    let ran = 0;

    await server.start(() => {
      if (++ran === 200) openDoor = door.close();
    });
    await until(() => door.waiting > 0 && settles.waiting > 0);
    await quiet();
    const { waiting } = door;
    openDoor();
    openSettles();
    await until(() => server.metrics().done === 600);

    expect(waiting).toBe(2);
  });

  test("asks once where there is nothing, however many slots are free", async ({ makeServer, port, quiet }) => {
    const faulty = faultyRedis(port);
    const server = makeServer({ concurrency: 20 }, faulty);

    await server.start(() => {});
    await quiet();

    expect(faulty.sent.filter((commands) => isScript(commands[0]!, "dequeue") && commands[0]![0] === "EVALSHA")).toHaveLength(1);
  });

  test("counts a task against concurrency until its outcome is answered", async ({ makeServer, seed, port, keyspace, quiet }) => {
    await seed({ taskId: "a" }, { taskId: "b" }, { taskId: "c" });
    const door = doored(port, ["settle"]);
    const open = door.close();
    const server = makeServer({ concurrency: 2 }, door.port);

    await server.start(() => {});
    await until(() => door.waiting === 1);
    await quiet();
    expect((await keyspace())["asynq:{default}:pending"]).toEqual(["c"]);
    expect(server.metrics()).toMatchObject({ busy: 2, unsettledNow: 2, started: 2, done: 0 });

    open();
    await until(() => server.metrics().done === 3);
  });

  test("fetches with the call that settles: a request for each task where one runs at a time", async ({ makeServer, seed, port }) => {
    await seed(...Array.from({ length: 10 }, (_, i) => ({ taskId: String(i) })));
    const faulty = faultyRedis(port);
    const server = makeServer({ concurrency: 1 }, faulty);

    await server.start(() => {});
    await until(() => server.metrics().done === 10);

    const requests = faulty.sent.filter((commands) =>
      commands.some((command) => isScript(command, "settle") || isScript(command, "dequeue")),
    );
    expect(requests.filter((commands) => commands.some((command) => isScript(command, "settle")))).toHaveLength(10);
    // The first task came alone.
    expect(requests).toHaveLength(11);
  });

  test("looks once more before it rests, where Redis was not to tell it of what came since it found nothing", async ({
    seed,
    port,
    clock,
  }) => {
    await seed(...Array.from({ length: 5 }, (_, i) => ({ taskId: String(i) })));
    let unwatched = 0;
    const late: RedisPort = {
      ...port,
      async send(commands, options) {
        const answers = await port.send(commands, options);
        // Behind the call that settles the fifth task and finds nothing.
        if (commands[0]![0] === "CLIENT" && ++unwatched === 4) await seed({ taskId: "late" });
        return answers;
      },
    };
    const settings = checkConfig({ concurrency: 1, clock, logLevel: "fatal" });
    const broker = makeBroker({ redis: late, clock, random: settings.random });
    const counters = new Counters();
    const ran: string[] = [];
    const heartbeater = { hold() {}, forget() {} } as unknown as Heartbeater;
    const writes = settler(broker, settings, counters, (freed) => processor.fetchBeside(freed));
    const handler = ({ id }: { readonly id: string }): void => void ran.push(id);
    let rests = 0;
    const isWatching = (): boolean => true;
    const processor: Processor = new Processor(
      { broker, settings, counters, heartbeater, settler: writes, handler, cluster: false },
      () => ++rests * 300_000,
      isWatching,
    );

    processor.start();
    await until(() => rests === 1);

    expect(ran).toEqual(["0", "1", "2", "3", "4", "late"]);
    await processor.stop();
  });

  test("leaves a slot alone whose handler does not end", async ({ makeServer, seed, port, pass, quiet }) => {
    await seed({ taskId: "leaks", timeoutSec: 1 }, { taskId: "next" });
    const faulty = faultyRedis(port);
    const server = makeServer({ concurrency: 1, abortGraceMs: 1_000 }, faulty);
    const held = gate();
    const ran: string[] = [];

    await server.start(({ id }) => {
      ran.push(id);
      return id === "leaks" ? held.opened : undefined;
    });
    await until(() => ran.length === 1);
    await pass(2_000);
    await until(() => server.metrics().retried === 1);
    await quiet();
    expect(ran).toEqual(["leaks"]);

    held.open(undefined);
    await until(() => server.metrics().done === 1);
    expect(ran).toEqual(["leaks", "next"]);
  });

  test("strict serves a queue only while those above it are empty", async ({ makeServer, seed }) => {
    await seed(
      { taskId: "l1", queue: "low" },
      { taskId: "h1", queue: "high" },
      { taskId: "l2", queue: "low" },
      { taskId: "h2", queue: "high" },
    );
    const server = makeServer({ concurrency: 1, queues: { low: 1, high: 2 }, strictPriority: true });
    const ran: string[] = [];

    await server.start(({ id }) => void ran.push(id));
    await until(() => server.metrics().done === 4);

    expect(ran).toEqual(["h1", "h2", "l1", "l2"]);
  });

  test("weighted serves every queue, the heavier one more often first", async ({ makeServer, seed }) => {
    const tasks = Array.from({ length: 60 }, (_, i) => [
      { taskId: `h${i}`, queue: "high" },
      { taskId: `l${i}`, queue: "low" },
    ]).flat();
    await seed(...tasks);
    const server = makeServer({ concurrency: 1, queues: { low: 1, high: 5 } });
    const ran: string[] = [];

    await server.start(({ id }) => void ran.push(id[0]!));
    await until(() => server.metrics().done === 120);

    const lowEarly = ran.slice(0, 60).filter((name) => name === "l").length;
    expect(lowEarly).toBeGreaterThan(2);
    expect(lowEarly).toBeLessThan(25);
  });

  test("runs the same id of two queues side by side", async ({ makeServer, seed, keyspace }) => {
    await seed({ taskId: "a", queue: "one" }, { taskId: "a", queue: "two" });
    const server = makeServer({ queues: { one: 1, two: 1 } });
    const both = gate();
    await server.start(() => both.opened);
    await until(() => server.metrics().started === 2);

    both.open();
    await until(() => server.metrics().done === 2);

    expect(Object.keys(await keyspace()).filter((key) => key.includes(":t:"))).toEqual([]);
  });

  test("leaves a paused queue alone", async ({ makeServer, seed, redis, pass }) => {
    await seed({ taskId: "a", queue: "paused" }, { taskId: "b", queue: "open" });
    await redis.set("asynq:{paused}:paused", "1");
    const server = makeServer({ queues: { paused: 5, open: 1 } });
    const ran: string[] = [];

    await server.start(({ id }) => void ran.push(id));
    await until(() => server.metrics().done === 1);
    await pass(10_000);

    expect(ran).toEqual(["b"]);
  });

  test("looks again after half the interval plus a random part of it, and not before", async ({
    pass,
    quiet,
    makeServer,
    seed,
    clock,
    port,
  }) => {
    const faulty = faultyRedis(port);
    const server = makeServer({ random: { float: () => 0.5, bytes: (length) => new Uint8Array(length).fill(7) } }, faulty);
    const ran: string[] = [];
    await server.start(({ id }) => void ran.push(id));
    await quiet();
    const fetches = (): number => faulty.sent.filter((commands) => isScript(commands[0]!, "dequeue")).length;
    const first = fetches();
    await seed({ taskId: "a" });

    await pass(999);
    expect(fetches()).toBe(first);

    await clock.advance(1);
    await until(() => server.metrics().done === 1);
    expect(ran).toEqual(["a"]);
  });

  test("backs off when Redis refuses, says so seldom, and goes on when it is well again", async ({
    pass,
    makeServer,
    seed,
    clock,
    port,
    redis,
    log,
  }) => {
    const faulty = faultyRedis(port);
    await redis.set("asynq:{default}:pending", "not a list");
    const broken = makeServer({ taskCheckIntervalMs: 1000 }, faulty);
    await broken.start(() => {});
    await pass(3_000);
    expect(faulty.sent.length).toBeLessThan(12);
    expect(log.filter((line) => line.includes("wrong kind of value")).length).toBeLessThanOrEqual(2);
    expect(log.filter((line) => line.includes("wrong kind of value")).length).toBeGreaterThan(0);

    await redis.del("asynq:{default}:pending");
    await seed({ taskId: "a" });
    await until(async () => {
      await clock.advance(1_500);
      return broken.metrics().done === 1;
    });
  });

  test("does not spin when every fetch fails at once", async ({ makeServer, pass, port, log }) => {
    let tries = 0;
    const server = makeServer(
      {},
      {
        ...port,
        send: (commands, options) => {
          if (!isScript(commands[0]!, "dequeue")) return port.send(commands, options);
          tries++;
          return Promise.reject(new Error("down"));
        },
      },
    );
    await server.start(() => {});

    for (let i = 0; i < 100; i++) await pass(100);

    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(40);
    expect(log.filter((line) => line.includes("could not fetch")).length).toBeLessThanOrEqual(4);
    expect(server.metrics().dequeueErrors).toBe(tries);
  });

  test("one suspect at a time: the others wait, and take no slot", async ({ makeServer, seed, redis }) => {
    await seed({ taskId: "s1" }, { taskId: "s2" }, { taskId: "fine" });
    for (const id of ["s1", "s2"]) await redis.hset(`asynq:{default}:t:${id}`, "js:recovered", "1@0");
    const server = makeServer();
    const handler = gate();
    const ran: string[] = [];

    await server.start(({ id }) => {
      ran.push(id);
      return id === "s1" ? handler.opened : undefined;
    });
    await until(() => server.metrics().done === 1);

    expect(ran).toEqual(["s1", "fine"]);
    expect(server.metrics().putOff).toBe(1);
    expect(Number(await redis.zscore("asynq:{default}:scheduled", "s2"))).toBeGreaterThan(startSec);
    handler.open();
    await until(() => server.metrics().done === 2);
  });

  test("a suspect that comes while another runs is put off, and runs when that one has ended", async ({
    makeServer,
    seed,
    redis,
    pass,
  }) => {
    await seed({ taskId: "s1" });
    await redis.hset("asynq:{default}:t:s1", "js:recovered", "1@0");
    const server = makeServer({ delayedTaskCheckIntervalMs: 5_000 });
    const handler = gate();
    const ran: string[] = [];
    await server.start(({ id }) => {
      ran.push(id);
      return id === "s1" ? handler.opened : undefined;
    });
    await until(() => server.metrics().started === 1);

    await seed({ taskId: "s2" });
    await redis.hset("asynq:{default}:t:s2", "js:recovered", "2@0");
    await pass(2_000);
    expect(ran).toEqual(["s1"]);
    expect(server.metrics().putOff).toBe(1);

    handler.open();
    await until(() => server.metrics().done === 1);
    for (let sec = 0; sec < 60 && ran.length < 2; sec++) await pass(1_000);
    expect(ran).toEqual(["s1", "s2"]);
  });

  test("hands back what a fetch brought after stop, nothing charged", async ({ makeServer, seed, port, keyspace, message }) => {
    await seed({ taskId: "a" });
    const door = doored(port, ["dequeue"]);
    const open = door.close();
    const server = makeServer({}, door.port);
    await server.start(() => {});
    await until(() => door.waiting === 1);

    const closing = server.shutdown();
    open();
    await closing;

    expect(await keyspace()).toMatchObject({
      "asynq:{default}:pending": ["a"],
      "asynq:{default}:t:a": { state: "pending", pending_since: `${startSec}000000000` },
    });
    expect((await keyspace())["asynq:{default}:lease"]).toBeUndefined();
    expect(await message("a")).toMatchObject({ retried: 0 });
    expect(server.metrics()).toMatchObject({ started: 0, requeued: 1 });
  });

  test("hands back what a fetch brought when a third of the lease had passed", async ({ makeServer, seed, port, clock }) => {
    await seed({ taskId: "a" });
    const door = doored(port, ["dequeue"]);
    const open = door.close();
    const server = makeServer({}, door.port);
    const ran: string[] = [];
    await server.start(({ id }) => void ran.push(id));
    await until(() => door.waiting === 1);

    await clock.advance(10_001);
    open();
    await until(() => server.metrics().requeued === 1);
    await until(async () => {
      await clock.advance(1_500);
      return server.metrics().done === 1;
    });

    expect(ran).toEqual(["a"]);
  });

  describe("on a Cluster, while the node of a queue does not answer", () => {
    /** A port that says it is a Cluster's; what fetches from the queue `away` waits at its door. */
    const ofCluster = (port: RedisPort) => {
      const door = doored({ ...port, features: async () => ({ ...(await port.features()), cluster: true }) }, ["fetch of away"]);
      return { door, open: door.close() };
    };
    const config = { queues: { away: 2, default: 1 }, strictPriority: true, concurrency: 2 };

    test("serves the other queues, and runs what it brings after all", async ({ makeServer, seed, port, clock }) => {
      await seed({ taskId: "a", queue: "away" }, { taskId: "b" }, { taskId: "c" });
      const { door, open } = ofCluster(port);
      const server = makeServer(config, door.port);
      const ran: string[] = [];
      await server.start(({ id }) => void ran.push(id));
      await until(() => door.waiting === 1);
      await clock.advance(3_000);
      await until(() => server.metrics().done === 2);
      expect(ran).toEqual(["b", "c"]);

      open();
      await until(() => server.metrics().done === 3);

      expect(ran).toEqual(["b", "c", "a"]);
      expect(server.metrics()).toMatchObject({ requeued: 0, dequeueErrors: 0 });
    });

    test("hands back what it brings when there is no room for it, to be the next to run", async ({
      makeServer,
      seed,
      port,
      clock,
      message,
    }) => {
      await seed({ taskId: "a", queue: "away" }, { taskId: "b" }, { taskId: "c" });
      const { door, open } = ofCluster(port);
      const server = makeServer(config, door.port);
      const ended = gate();
      const ran: string[] = [];
      await server.start(({ id }) => {
        ran.push(id);
        return id === "a" ? undefined : ended.opened;
      });
      await until(() => door.waiting === 1);
      await clock.advance(3_000);
      await until(() => ran.length === 2);

      open();
      await until(() => server.metrics().requeued === 1);
      expect(await message("a", "away")).toMatchObject({ retried: 0 });
      ended.open();
      await until(async () => {
        await clock.advance(100);
        return server.metrics().done === 3;
      });

      expect(ran).toEqual(["b", "c", "a"]);
    });
  });

  test("drops an id without a hash and goes on", async ({ makeServer, seed, redis, keyspace }) => {
    await seed({ taskId: "gone" }, { taskId: "a" });
    await redis.del("asynq:{default}:t:gone");
    const server = makeServer({ concurrency: 1 });

    await server.start(() => {});
    await until(() => server.metrics().done === 1);

    expect(server.metrics().dangling).toBe(1);
    expect(Object.keys(await keyspace())).not.toContain("asynq:{default}:t:gone");
  });
});
