import { describe, expect, test } from "vitest";
import { composeTask, describeTask, type EnqueueOptions } from "./options.ts";
import { type Payload, Task } from "./task.ts";
import { manualClock, seededRandom } from "./testing/manual-clock.ts";

const nowSec = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;
const at = { clock: manualClock(nowSec * 1000), random: seededRandom(1) };

function compose(options: EnqueueOptions = {}, { payload, ofTask = {} }: { payload?: Payload; ofTask?: EnqueueOptions } = {}) {
  return composeTask(new Task("email:send", payload, ofTask), options, at);
}

describe("composeTask", () => {
  test("has Asynq's defaults: queue default, 25 retries, 30 minutes, no deadline, no retention, not unique, a random UUID", () => {
    expect(compose()).toEqual({
      message: {
        type: "email:send",
        payload: undefined,
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        queue: "default",
        retry: 25,
        retried: 0,
        timeoutSec: 1800,
        deadlineSec: undefined,
        uniqueKey: undefined,
        retentionSec: undefined,
        groupKey: undefined,
        headers: undefined,
      },
      processAtSec: undefined,
      uniqueTtlSec: undefined,
      state: "pending",
    });
  });

  test("takes the timeout's default only when neither timeout nor deadline is given", () => {
    const deadline = new Date((nowSec + 60) * 1000);
    expect(compose({ deadline }).message).toMatchObject({ timeoutSec: undefined, deadlineSec: nowSec + 60 });
    expect(compose({ deadline, timeoutSec: 5 }).message).toMatchObject({ timeoutSec: 5, deadlineSec: nowSec + 60 });
    expect(compose({ timeoutSec: 0 }).message).toMatchObject({ timeoutSec: 1800, deadlineSec: undefined });
    expect(compose({ timeoutSec: 90.9 }).message.timeoutSec).toBe(90);
    expect(compose({ deadline: new Date(0) }).message).toMatchObject({ timeoutSec: 1800, deadlineSec: undefined });
    // Asynq compares the time, not the second that it stores of it.
    expect(compose({ deadline: new Date(999) }).message).toMatchObject({ timeoutSec: undefined, deadlineSec: undefined });
  });

  test("cuts a timeout below a second to none, as Asynq does", () => {
    expect(compose({ timeoutSec: 0.5 }).message.timeoutSec).toBeUndefined();
  });

  test("lets the options given at enqueue win one by one, and merges headers key by key", () => {
    const ofTask = { queue: "low", maxRetry: 3, headers: { a: "1", b: "2" }, processInSec: 60 };
    expect(compose({ maxRetry: 7, headers: { b: "3" }, processAt: new Date((nowSec + 9) * 1000) }, { ofTask })).toMatchObject({
      message: { queue: "low", retry: 7, headers: { a: "1", b: "3" } },
      processAtSec: nowSec + 9,
    });
    expect(compose({ queue: undefined }, { ofTask }).message.queue).toBe("low");
  });

  test("schedules only what is due strictly later; a past or present time is now", () => {
    expect(compose({ processInSec: 0 }).state).toBe("pending");
    expect(compose({ processInSec: -5 }).state).toBe("pending");
    expect(compose({ processAt: new Date(nowSec * 1000) }).state).toBe("pending");
    expect(compose({ processInSec: 0.001 })).toMatchObject({ state: "scheduled", processAtSec: nowSec });
  });

  test("sends a grouped task to its group, unless it is scheduled; the message names the group in both cases", () => {
    expect(compose({ group: "g" })).toMatchObject({ state: "aggregating", message: { groupKey: "g" } });
    expect(compose({ group: "g", processInSec: 5 })).toMatchObject({ state: "scheduled", message: { groupKey: "g" } });
  });

  test("counts a negative maxRetry as 0", () => {
    expect(compose({ maxRetry: -1 }).message.retry).toBe(0);
  });

  test("names the lock by queue, type and payload; no payload and an empty one differ", () => {
    const lock = (payload: Payload) => compose({ uniqueTtlSec: 5, queue: "q" }, { payload }).message.uniqueKey;
    expect(lock(undefined)).toBe("asynq:{q}:unique:email:send:");
    expect(lock("")).toBe("asynq:{q}:unique:email:send:d41d8cd98f00b204e9800998ecf8427e");
    expect(lock({ a: 1 })).toBe("asynq:{q}:unique:email:send:bb6cb5c68df4652941caf652a366f2d8");
  });

  test("lets a lock of a scheduled task live until it is due and its TTL after that, whole seconds", () => {
    expect(compose({ uniqueTtlSec: 60 }).uniqueTtlSec).toBe(60);
    expect(compose({ uniqueTtlSec: 60, processInSec: 10.6 }).uniqueTtlSec).toBe(70);
    expect(compose({ uniqueTtlSec: 60.9 }).uniqueTtlSec).toBe(60);
    expect(compose({ uniqueTtlSec: 60.9, processInSec: 10.6 }).uniqueTtlSec).toBe(71);
  });

  test("takes hostile header names without touching any prototype", () => {
    const { headers } = compose({ headers: JSON.parse('{"__proto__":"x","constructor":"y"}') }).message;
    expect(Object.entries(headers!)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test.each<[string, EnqueueOptions, RegExp]>([
    ["a blank taskId", { taskId: " " }, /invalid taskId: expected one or more characters$/],
    ["a queue that is no text", { queue: 5 as unknown as string }, /invalid queue: queue name must contain one or more characters$/],
    ["braces in a group", { group: "a{b" }, /invalid group: must not contain braces or control characters$/],
    [
      "a group that looks like a set",
      { group: "g:11111111-2222-3333-4444-55555555555F" },
      /invalid group: must not end in a colon and a UUID$/,
    ],
    ["more retries than fit", { maxRetry: 2 ** 31 }, /invalid maxRetry: expected a whole number of at most 2147483647$/],
    [
      "a timeout beyond what is exact",
      { timeoutSec: 2 ** 53 },
      /invalid timeoutSec: expected a number from -9007199254740991 to 9007199254740991$/,
    ],
    ["no number of seconds to wait", { processInSec: Number.NaN }, /invalid processInSec: expected a number from/],
    ["two times at once", { processAt: new Date(), processInSec: 1 }, /invalid processAt of the options: expected either/],
    ["a blank queue", { queue: "  " }, /invalid queue: queue name must contain/],
    ["braces in a queue", { queue: "a}:t:1" }, /invalid queue/],
    ["a control character in a queue", { queue: "a\nb" }, /invalid queue/],
    ["a queue of 129 characters", { queue: "q".repeat(129) }, /invalid queue: expected at most 128/],
    ["a blank id", { taskId: "" }, /invalid taskId/],
    ["braces in an id", { taskId: "{x}" }, /invalid taskId/],
    ["half a character in an id", { taskId: "\ud83d" }, /invalid taskId: expected well-formed/],
    ["a blank group", { group: " " }, /invalid group/],
    ["a group that looks like an aggregation set", { group: "g:11111111-2222-3333-4444-555555555555" }, /invalid group/],
    ["a unique TTL below a second", { uniqueTtlSec: 0.9 }, /invalid uniqueTtlSec: expected a number from 1 to 9007199254740991$/],
    ["a retention that is no number", { retentionSec: Number.NaN }, /invalid retentionSec: expected a number from 0 to/],
    ["a negative retention", { retentionSec: -1 }, /invalid retentionSec/],
    ["a timeout as text", { timeoutSec: "5" as unknown as number }, /invalid timeoutSec/],
    ["half a retry", { maxRetry: 1.5 }, /invalid maxRetry/],
    ["more retries than int32 holds", { maxRetry: 2 ** 31 }, /invalid maxRetry/],
    ["a deadline that is no Date", { deadline: 5 as unknown as Date }, /invalid deadline/],
    ["an invalid Date", { processAt: new Date(Number.NaN) }, /invalid processAt/],
    ["both processAt and processInSec", { processAt: new Date(), processInSec: 1 }, /either processAt or processInSec/],
    ["a due time that no Date can hold", { processInSec: 8.64e12, uniqueTtlSec: 60 }, /invalid processInSec: expected a valid Date/],
    ["a header that is no text", { headers: { a: 1 as unknown as string } }, /^invalid headers: expected text values$/],
    ["headers of which Object.entries sees none", { headers: new Headers({ a: "1" }) as never }, /invalid headers: expected text values/],
    ["a Map of headers", { headers: new Map([["a", "1"]]) as never }, /invalid headers: expected text values/],
    ["a text as headers", { headers: "abc" as never }, /invalid headers: expected text values/],
  ])("refuses %s by a typed error that names the option", (_, options, message) => {
    expect(() => compose(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringMatching(message) }));
  });

  test.each([
    ["nothing", undefined],
    ["an object without a type", { payload: undefined, options: {} }],
    ["an object without options", { type: "t" }],
    ["a payload that is text", { type: "t", payload: "p", options: {} }],
  ])("refuses %s in the place of a task", (_, task) => {
    expect(() => composeTask(task as unknown as Task, {}, at)).toThrow("invalid task: expected a Task");
  });

  test("takes the largest that fits", () => {
    expect(compose({ maxRetry: 2 ** 31 - 1, timeoutSec: 2 ** 53 - 1 }).message).toMatchObject({
      retry: 2 ** 31 - 1,
      timeoutSec: 2 ** 53 - 1,
    });
    expect(compose({ queue: "q".repeat(128), taskId: "i".repeat(256), group: "g".repeat(256) }).message.groupKey).toHaveLength(256);
    expect(() => compose({ group: "g".repeat(257) })).toThrow("invalid group: expected at most 256 characters");
    expect(compose({ group: "g:11111111-2222-3333-4444-555555555555:b" }).message.groupKey).toMatch(/:b$/);
  });

  test("lets one of processAt and processInSec take the place of either of the task's own", () => {
    const later = new Date(nowSec * 1000 + 60_000);
    const dueSec = (own: EnqueueOptions, given: EnqueueOptions): number | undefined =>
      composeTask(new Task("t", undefined, own), given, at).processAtSec;

    expect(dueSec({ processInSec: 5 }, { processAt: later })).toBe(nowSec + 60);
    expect(dueSec({ processAt: later }, { processInSec: 5 })).toBe(nowSec + 5);
    expect(dueSec({ processAt: later }, {})).toBe(nowSec + 60);
    expect(dueSec({ processInSec: 5 }, {})).toBe(nowSec + 5);
    expect(() => dueSec({ processAt: later, processInSec: 5 }, {})).toThrow("invalid processAt of the task options: expected either");
  });

  test("takes names with spaces, colons, slashes and any script", () => {
    expect(compose({ queue: "e-mails: süß/东京", taskId: "order:1 / 2", group: "a:b" }).message).toMatchObject({
      queue: "e-mails: süß/东京",
      id: "order:1 / 2",
      groupKey: "a:b",
    });
  });
});

describe("Task", () => {
  test("keeps bytes, makes UTF-8 of a string and JSON of anything else", () => {
    const text = (payload: Payload) => new TextDecoder().decode(new Task("t", payload).payload);
    expect(new Task("t").payload).toBeUndefined();
    expect(new Task("t", Uint8Array.of(0, 255)).payload).toEqual(Uint8Array.of(0, 255));
    expect(text("a\ud83d")).toBe("a\ufffd");
    expect(text({ a: [1, null] })).toBe('{"a":[1,null]}');
    expect(text(null)).toBe("null");
    expect(text(0)).toBe("0");
  });

  test("keeps the bytes of a buffer and of every view of one, of which JSON would make {} or a list of numbers", () => {
    const { buffer } = Uint8Array.of(1, 2, 3, 4);
    expect(new Task("t", buffer).payload).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(new Task("t", new DataView(buffer, 1, 2)).payload).toEqual(Uint8Array.of(2, 3));
    expect(new Task("t", new Uint16Array(buffer, 2, 1)).payload).toEqual(Uint8Array.of(3, 4));
  });

  test("says what it refuses, and why JSON cannot hold it", () => {
    expect(() => new Task(5 as unknown as string)).toThrow("invalid type: a task's type must contain one or more characters");
    expect(() => new Task("t", { n: 1n })).toThrow(
      expect.objectContaining({
        message: "invalid payload: expected bytes, a string, or what JSON can hold",
        cause: expect.any(TypeError),
      }),
    );
  });

  test("refuses a blank type and a payload JSON cannot hold", () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    for (const make of [() => new Task(" "), () => new Task("t", circle), () => new Task("t", () => 1), () => new Task("t", { n: 1n })]) {
      expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    }
  });
});

describe("describeTask", () => {
  test("says what was enqueued and when it may be processed", () => {
    const nowMs = nowSec * 1000;
    expect(describeTask(compose({ taskId: "a", retentionSec: 9, headers: { h: "v" } }, { payload: "p" }), nowMs)).toEqual({
      id: "a",
      queue: "default",
      type: "email:send",
      payload: new TextEncoder().encode("p"),
      headers: { h: "v" },
      state: "pending",
      maxRetry: 25,
      retried: 0,
      timeoutSec: 1800,
      deadline: undefined,
      group: undefined,
      retentionSec: 9,
      nextProcessAt: new Date(nowMs),
    });
    const deadline = new Date(nowMs + 60_000);
    expect(describeTask(compose({ deadline }), nowMs)).toMatchObject({ deadline, timeoutSec: undefined });
    expect(describeTask(compose({ processInSec: 5 }), nowMs)).toMatchObject({ state: "scheduled", nextProcessAt: new Date(nowMs + 5000) });
    expect(describeTask(compose({ group: "g" }), nowMs)).toMatchObject({ state: "aggregating", nextProcessAt: undefined });
  });
});
