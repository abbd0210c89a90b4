import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { cancelProcessing, isCanceledBy, listCancelIntents } from "./cancel-processing.ts";

describe("cancelProcessing", () => {
  test("publishes the bare id as Go does, and what names a queue where Go does not listen", async ({ broker, redis }) => {
    const heard: string[] = [];
    const subscriber = redis.duplicate();
    subscriber.on("message", (channel: string, message: string) => heard.push(`${channel} ${JSON.stringify(message)}`));
    await subscriber.subscribe("asynq:cancel", "asynq:js:cancel");

    await cancelProcessing(broker, [{ id: "a" }, { id: "b", queue: "low" }, { id: "c", queue: "low", token: 7 }]);
    await subscriber.ping();
    while (heard.length < 3) await new Promise((resolve) => setImmediate(resolve));
    subscriber.disconnect();

    expect([...new Set(heard)].sort()).toEqual(['asynq:cancel "a"', 'asynq:js:cancel "low\\nb"', 'asynq:js:cancel "low\\nc\\n7"'].sort());
  });

  test("leaves a note for who missed the message, for 60 s", async ({ broker, clock, keyspace }) => {
    await cancelProcessing(broker, [{ id: "a" }, { id: "c", queue: "low", token: 7 }]);
    expect(await keyspace()).toEqual({ "asynq:js:cancel": { "\na": String(startSec + 60), "low\nc\n7": String(startSec + 60) } });
    expect(await listCancelIntents(broker)).toEqual([
      { id: "a", queue: undefined, token: undefined, canceledAtMs: startSec * 1000 },
      { id: "c", queue: "low", token: 7, canceledAtMs: startSec * 1000 },
    ]);

    await clock.advance(60_750);
    await cancelProcessing(broker, [{ id: "d" }]);
    expect(await listCancelIntents(broker)).toMatchObject([
      { id: "a" },
      { id: "c" },
      // To the millisecond, so that a run that begins later in that second is not meant.
      { id: "d", canceledAtMs: startSec * 1000 + 60_750 },
    ]);

    await clock.advance(61_000);
    expect(await listCancelIntents(broker)).toEqual([]);
    await cancelProcessing(broker, [{ id: "b" }]);
    expect(Object.keys((await keyspace())["asynq:js:cancel"]!)).toEqual(["\nb"]);
  });
});

describe("isCanceledBy", () => {
  const run = { id: "a", queue: "low", token: 7, startedAtMs: 100_000.7 };

  test("means the runs of that id, of that queue where one is named, of that lease where one is", () => {
    expect(isCanceledBy(run, { id: "a" })).toBe(true);
    expect(isCanceledBy(run, { id: "b" })).toBe(false);
    expect(isCanceledBy(run, { id: "a", queue: "default" })).toBe(false);
    expect(isCanceledBy(run, { id: "a", queue: "low", token: 7 })).toBe(true);
    expect(isCanceledBy(run, { id: "a", queue: "low", token: 8 })).toBe(false);
  });

  test("does not mean a run that started after it: the task was canceled, and is tried again", () => {
    expect(isCanceledBy(run, { id: "a", canceledAtMs: 100_000 })).toBe(true);
    expect(isCanceledBy(run, { id: "a", canceledAtMs: 99_999 })).toBe(false);
  });
});
