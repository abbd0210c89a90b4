import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { serverInfo, workerInfo } from "../../../../test/support/wire/golden-vectors.ts";
import { decodeServerInfo, decodeWorkerInfo } from "../wire/server-info.ts";
import { clearServerState, writeServerState } from "./write-server-state.ts";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const name = { host: "h1", pid: 4242, serverId: "sid" };
const serverKey = "asynq:servers:{h1:4242:sid}";
const workersKey = "asynq:workers:{h1:4242:sid}";
const record = { ...name, info: bytesOf(serverInfo.hex), workers: [{ taskId: "id1", info: bytesOf(workerInfo.hex) }] };
const life = { nowSec: startSec, ttlSec: 10 };
const latin1 = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");

describe("writeServerState", () => {
  test("writes Asynq's keys, bytes, scores and times to live", async ({ broker, keyspace, redis }) => {
    await writeServerState(broker, record, life);

    expect(await keyspace()).toEqual({
      "asynq:servers": { [serverKey]: String(startSec + 10) },
      "asynq:workers": { [workersKey]: String(startSec + 10) },
      [serverKey]: latin1(serverInfo.hex),
      [workersKey]: { id1: latin1(workerInfo.hex) },
    });
    for (const key of [serverKey, workersKey]) {
      expect(await redis.ttl(key)).toBeGreaterThan(8);
      expect(await redis.ttl(key)).toBeLessThanOrEqual(10);
    }
    expect(decodeServerInfo((await redis.getBuffer(serverKey))!, "server")).toEqual(serverInfo.message);
    expect(decodeWorkerInfo((await redis.hgetBuffer(workersKey, "id1"))!, "worker")).toEqual(workerInfo.message);
  });

  test("writes the running tasks anew each time, and no list where there are none", async ({ broker, keyspace }) => {
    await writeServerState(broker, record, life);
    await writeServerState(broker, { ...record, workers: [{ taskId: "id2", info: record.workers[0]!.info }] }, life);
    expect((await keyspace())[workersKey]).toEqual({ id2: latin1(workerInfo.hex) });

    await writeServerState(broker, { ...record, workers: [] }, { nowSec: startSec + 5, ttlSec: 10, hadWorkers: true });

    const idle = { "asynq:servers": { [serverKey]: String(startSec + 15) }, [serverKey]: latin1(serverInfo.hex) };
    expect(await keyspace()).toEqual(idle);

    await writeServerState(broker, { ...record, workers: [] }, { nowSec: startSec + 5, ttlSec: 10 });
    expect(await keyspace()).toEqual(idle);
  });

  test("answers Redis' time, and is two commands where nothing runs", async ({ broker, port, redis }) => {
    const timeMs = async (): Promise<number> => {
      const [sec, micros] = await redis.time();
      return Number(sec) * 1000 + Number(micros) / 1000;
    };
    const before = await timeMs();

    for (const workers of [record.workers, []]) {
      const answered = await writeServerState(broker, { ...record, workers }, life);
      expect(answered).toBeGreaterThanOrEqual(before);
      expect(answered).toBeLessThanOrEqual(await timeMs());
    }

    expect(port.sent.at(-1)!.map(([word]) => word)).toEqual(["ZADD", "EVALSHA"]);
  });

  test("writes any number of tasks, a hundred a call", async ({ broker, port, redis }) => {
    const workers = Array.from({ length: 250 }, (_, i) => ({ taskId: `id${i}`, info: bytesOf(workerInfo.hex) }));
    await writeServerState(broker, { ...record, workers }, life);
    const [before] = [port.sent.length];

    await writeServerState(broker, { ...record, workers }, life);

    expect(port.sent.slice(before).map((commands) => commands.map(([word]) => word))).toEqual([
      ["ZADD", "ZADD", "EVALSHA", "EVALSHA", "EVALSHA"],
    ]);
    expect(await redis.hlen(workersKey)).toBe(250);
  });

  test("takes the place of whatever stood under the server's keys, and fails when Asynq's index is no sorted set", async ({
    broker,
    redis,
    keyspace,
  }) => {
    await redis.sadd(serverKey, "x");
    await redis.set(workersKey, "x");
    await writeServerState(broker, record, life);
    expect((await keyspace())[workersKey]).toEqual({ id1: latin1(workerInfo.hex) });

    await redis.set("asynq:servers", "x");
    await expect(writeServerState(broker, record, life)).rejects.toMatchObject({ code: "REDIS", reply: "WRONGTYPE" });
  });
});

describe("clearServerState", () => {
  test("leaves nothing of this server, and the others alone", async ({ broker, keyspace }) => {
    await writeServerState(broker, { ...record, serverId: "other" }, life);
    const before = await keyspace();
    await writeServerState(broker, record, life);

    await clearServerState(broker, name);
    await clearServerState(broker, name);

    expect(await keyspace()).toEqual(before);
  });
});
