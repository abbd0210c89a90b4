import { type AddressInfo, createServer } from "node:net";
import { correctedClock, ServerStateError } from "@asynqjs/core";
import { manualClock } from "@asynqjs/core/testing";
import { closing, describe, expect, gate, test, turn, until } from "../../../test/support/server-test.ts";
import type { Handler } from "./serve-mux.ts";
import { Server } from "./server.ts";

const done = (): void => {};

/** Answers every command as a Redis 5 answers INFO; `left` resolves when its client has left. */
async function oldRedis(): Promise<{ readonly port: number; readonly left: Promise<void>; stop(): Promise<void> }> {
  const info = "redis_version:5.0.14\r\nloading:0\r\n";
  const left = gate();
  const listener = createServer((socket) => {
    socket.on("data", (bytes) => {
      for (const _ of bytes.toString("latin1").matchAll(/^\*\d+\r$/gm)) socket.write(`$${info.length}\r\n${info}\r\n`);
    });
    socket.on("error", () => {});
    socket.on("close", () => left.open());
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    left: left.opened,
    stop: () => new Promise((resolve) => listener.close(() => resolve())),
  };
}

describe("Server", () => {
  test("is new, active, stopped, closed, and says in Asynq's words why it does not start", async ({ makeServer }) => {
    const server = makeServer();
    expect(server.state).toBe("new");

    await server.start(done);
    expect(server.state).toBe("active");
    await expect(server.start(done)).rejects.toThrow(new ServerStateError("asynq: the server is already running"));

    server.stop();
    expect(server.state).toBe("stopped");
    await expect(server.start(done)).rejects.toThrow("asynq: the server is in the stopped state. Waiting for shutdown.");

    await server.shutdown();
    expect(server.state).toBe("closed");
    await expect(server.start(done)).rejects.toThrow("asynq: Server closed");
    await expect(server.start(done)).rejects.toMatchObject({ code: "SERVER_STATE" });
  });

  test("bears stop and shutdown twice, too early, and in any order", async ({ makeServer, seed, keyspace }) => {
    const early = makeServer();
    early.stop();
    expect(early.state).toBe("new");
    await Promise.all([early.shutdown(), early.shutdown()]);
    early.stop();
    await early.shutdown();
    expect(early.state).toBe("closed");

    const server = makeServer();
    await server.start(done);
    server.stop();
    server.stop();
    await Promise.all([server.shutdown(), server.shutdown()]);

    await seed({ taskId: "a" });
    await turn();
    expect((await keyspace())["asynq:{default}:pending"]).toEqual(["a"]);
  });

  test("refuses no handler, and can be started after that", async ({ makeServer }) => {
    const server = makeServer();

    await expect(server.start(undefined as never as Handler)).rejects.toMatchObject({ code: "INVALID_OPTION", option: "handler" });

    await server.start({ processTask: done });
    expect(server.state).toBe("active");
  });

  test("a shutdown while it connects wins", async ({ makeServer }) => {
    const server = makeServer();

    const starting = server.start(done);
    await server.shutdown();

    await expect(starting).rejects.toThrow("asynq: Server closed");
    expect(server.state).toBe("closed");
  });

  test("a start that cannot connect rejects, leaves it new, and may be tried again", async ({ makeServer, port }) => {
    let down = true;
    const server = makeServer(
      {},
      {
        ...port,
        features: () => (down ? Promise.reject(new Error("down")) : port.features()),
      },
    );

    await expect(server.start(done)).rejects.toThrow("down");
    expect(server.state).toBe("new");

    down = false;
    await server.start(done);
    expect(server.state).toBe("active");
  });

  test("pings, and has nothing to ask once it is closed", async ({ makeServer, port }) => {
    const server = makeServer();
    await server.ping();

    const broken = makeServer({}, { ...port, send: () => Promise.reject(new Error("down")) });
    await expect(broken.ping()).rejects.toThrow("down");

    await broken.shutdown();
    await broken.ping();
  });

  test("stop takes no more tasks and lets those that run end", async ({ makeServer, seed, pass, keyspace }) => {
    await seed({ taskId: "a" });
    const server = makeServer();
    let end = (): void => {};
    await server.start(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    await until(() => server.metrics().started === 1);

    server.stop();
    await seed({ taskId: "b" });
    await pass(10_000);
    end();
    await until(() => server.metrics().done === 1);

    expect((await keyspace())["asynq:{default}:pending"]).toEqual(["b"]);
    expect(server.metrics()).toMatchObject({ started: 1, done: 1, busy: 0, healthy: true });
  });

  test("run resolves when the server is shut down from inside, and gives the signals back", async ({ makeServer, clock }) => {
    const before = process.listenerCount("SIGTERM");
    const server = makeServer();

    const running = server.run(done);
    await until(() => process.listenerCount("SIGTERM") === before + 1);
    await closing(server, clock);

    await running;
    expect(process.listenerCount("SIGTERM")).toBe(before);
    expect(process.listenerCount("SIGTSTP")).toBe(0);
  });

  test("run stops at SIGTSTP and shuts down at SIGTERM", async ({ makeServer }) => {
    const server = makeServer();
    const running = server.run(done);
    await until(() => process.listenerCount("SIGTSTP") > 0);

    process.emit("SIGTSTP");
    expect(server.state).toBe("stopped");

    process.emit("SIGTERM");
    await running;
    expect(server.state).toBe("closed");
  });

  test("run that cannot start closes its connection, so that the process can end", async ({ makeServer }) => {
    const old = await oldRedis();
    const server = makeServer({}, `redis://127.0.0.1:${old.port}`);

    await expect(server.run(done)).rejects.toMatchObject({ code: "REDIS_VERSION" });

    await old.left;
    expect(server.state).toBe("closed");
    await old.stop();
  });

  test("refuses what is no Redis, before any I/O and without quoting it", () => {
    expect(() => new Server("http://user:secret@host")).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    expect(() => new Server("http://user:secret@host")).not.toThrow(/secret/);
    expect(() => new Server({} as never)).toThrow(expect.objectContaining({ option: "redis" }));
  });

  test("goes by Redis' clock where the machine's is off: leases a task by it, and says so", async ({ makeServer, seed, redis, log }) => {
    await seed({ taskId: "a" });
    const [redisSec] = await redis.time();
    const running = gate();
    const ended = gate();
    const server = makeServer({ clock: correctedClock(manualClock(Number(redisSec) * 1000 - 60_000)) });

    await server.start(async () => {
      running.open();
      await ended.opened;
    });
    await running.opened;

    const leaseSec = Math.floor(Number(await redis.zscore("asynq:{default}:lease", "a"))) - Number(redisSec);
    expect(leaseSec).toBeGreaterThanOrEqual(29);
    expect(leaseSec).toBeLessThanOrEqual(35);
    expect(log.join("\n")).toContain("this machine's clock is off");
    ended.open();
    await server.shutdown();
  });

  test("does not start on a Redis that is not set up for the durability that was asked for", async ({ makeServer }) => {
    const server = makeServer({ durability: "fsync" });

    await expect(server.start(done)).rejects.toMatchObject({ code: "DURABILITY" });

    expect(server.state).toBe("new");
  });

  test("does not start on a machine whose clock is more than five minutes off", async ({ makeServer, redis }) => {
    const [redisSec] = await redis.time();
    for (const offMs of [-301_000, 302_000]) {
      const server = makeServer({ clock: correctedClock(manualClock(Number(redisSec) * 1000 + offMs)) });
      await expect(server.start(done)).rejects.toMatchObject({ code: "CLOCK_SKEW" });
      expect(server.state).toBe("new");
    }
  });
});
