import { afterEach, describe, expect, test, vi } from "vitest";
import { sleep, systemClock, systemRandom, unixNs, unixSec, utcDay, uuid, within } from "./clock.ts";
import { manualClock } from "./testing/manual-clock.ts";

afterEach(() => void vi.useRealTimers());

describe("the machine's clock", () => {
  test("tells its time, and one that never jumps", () => {
    vi.useFakeTimers({ now: 1_700_000_000_123 });
    const before = systemClock.monotonicMs();
    expect(systemClock.nowMs()).toBe(1_700_000_000_123);

    vi.advanceTimersByTime(50);
    expect(systemClock.monotonicMs() - before).toBe(50);
  });

  test("calls back after any time, also one that no timer holds, and not once it is taken back", () => {
    vi.useFakeTimers();
    const longestTimerMs = 2 ** 31 - 1;
    for (const delayMs of [0, 1_000, longestTimerMs, longestTimerMs + 1, 3 * longestTimerMs]) {
      const called = vi.fn();
      systemClock.after(delayMs, called);
      if (delayMs > 0) vi.advanceTimersByTime(delayMs - 1);
      expect(called).toHaveBeenCalledTimes(0);
      vi.advanceTimersByTime(1);
      expect(called).toHaveBeenCalledTimes(1);

      const never = vi.fn();
      const takeBack = systemClock.after(delayMs, never);
      vi.advanceTimersByTime(delayMs / 2);
      takeBack();
      vi.advanceTimersByTime(delayMs);
      expect(never).toHaveBeenCalledTimes(delayMs === 0 ? 1 : 0);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test("draws what it is asked for", () => {
    expect(systemRandom.bytes(16)).toHaveLength(16);
    expect(systemRandom.bytes(5_000)).toHaveLength(5_000);
    // Over several pools, and none that is handed out is written again.
    const ids = Array.from({ length: 1_000 }, () => systemRandom.bytes(8));
    expect(new Set(ids.map(String)).size).toBe(1_000);
    const drawn = Array.from({ length: 50 }, () => systemRandom.float());
    for (const float of drawn) expect(float >= 0 && float < 1).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(1);
  });
});

describe("the machine's chance", () => {
  test("hands out each byte once, as many as are asked for, however many the machine was asked for", () => {
    const machine = vi.spyOn(crypto, "getRandomValues");
    let next = 0;
    machine.mockImplementation((array) => {
      const bytes = array as unknown as Uint8Array;
      for (let i = 0; i < bytes.length; i++) bytes[i] = next++;
      return array;
    });
    // More than is left is drawn anew.
    const large = systemRandom.bytes(5_000);
    expect(large).toEqual(Uint8Array.from({ length: 5_000 }, (_, i) => i));
    next = 0;
    const drawn = Array.from({ length: 129 }, () => systemRandom.bytes(16)).flatMap((bytes) => [...bytes]);

    expect(drawn).toEqual(Array.from({ length: 2_064 }, (_, i) => i % 256));
    expect(machine.mock.calls.map(([array]) => (array as unknown as Uint8Array).length)).toEqual([5_000, 2_048, 2_048]);
    for (let draw = 0; draw < 127; draw++) systemRandom.bytes(16);
    expect(machine).toHaveBeenCalledTimes(3);
    machine.mockRestore();
  });
});

describe("within", () => {
  test("answers what the work answers, and throws what it throws, and leaves nothing behind", async () => {
    const clock = manualClock();
    const { signal, heard } = listened();
    expect(await within(clock, 100, signal, Promise.resolve("done"))).toBe("done");
    await expect(within(clock, 100, signal, Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect([clock.waiting, heard()]).toEqual([0, 0]);
  });

  test("answers nothing when the time is over or the signal comes, before or meanwhile", async () => {
    const clock = manualClock();
    const never = new Promise<string>(() => {});
    const late = within(clock, 100, undefined, never);
    await clock.advance(99);
    expect(clock.waiting).toBe(1);
    await clock.advance(1);
    expect(await late).toBeUndefined();

    const { signal, abort, heard } = listened();
    const stopped = within(clock, 100, signal, never);
    expect([clock.waiting, heard()]).toEqual([1, 1]);
    abort();
    expect(await stopped).toBeUndefined();
    expect([clock.waiting, heard()]).toEqual([0, 0]);

    expect(await within(clock, 100, signal, never)).toBeUndefined();
    expect([clock.waiting, heard()]).toEqual([0, 0]);
  });

  test("sleeps for its time, or until the signal comes", async () => {
    const clock = manualClock();
    const slept = sleep(clock, 5);
    await clock.advance(5);
    expect(await slept).toBeUndefined();
    expect(await sleep(clock, 5, AbortSignal.abort())).toBeUndefined();
  });
});

test("times are whole seconds, nanoseconds as text, and the day in UTC", () => {
  expect([unixSec(1_999), unixSec(2_000), unixSec(-1)]).toEqual([1, 2, -1]);
  expect([unixNs(1_700_000_000_123.9), unixNs(0)]).toEqual(["1700000000123000000", "0000000"]);
  expect([utcDay(Date.UTC(2026, 0, 2, 23, 59, 59, 999)), utcDay(0)]).toEqual(["2026-01-02", "1970-01-01"]);
});

test("an id is a UUID of version 4, all its other bits drawn", () => {
  const of = (byte: number) => uuid({ float: () => 0, bytes: (length) => new Uint8Array(length).fill(byte) });
  expect(of(0)).toBe("00000000-0000-4000-8000-000000000000");
  expect(of(0xff)).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
});

/** A signal that says how many listen to it. */
function listened(): { readonly signal: AbortSignal; readonly abort: () => void; readonly heard: () => number } {
  const controller = new AbortController();
  let listeners = 0;
  const signal = controller.signal;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => {
    if (args[0] === "abort") listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>) => {
    if (args[0] === "abort") listeners--;
    remove(...args);
  };
  return { signal, abort: () => controller.abort(), heard: () => listeners };
}
