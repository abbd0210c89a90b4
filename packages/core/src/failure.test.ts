import { describe, expect, test } from "vitest";
import { CanceledError, HandlerNotFoundError } from "./errors.ts";
import { decideFailure, decideHandBack, decideRecovery, defaultRetryDelayMs, isHandlerNotFound, RevokeTask, SkipRetry } from "./failure.ts";
import { seededRandom } from "./testing/manual-clock.ts";

const policy = { isFailure: () => true, retryDelayMs: (retried: number) => 1000 * (retried + 1) };

describe("decideFailure", () => {
  test("retries after the delay of the count before this failure", () => {
    expect(decideFailure({ retry: 3, retried: 2 }, new Error("x"), policy)).toEqual({ to: "retry", afterMs: 3000, isFailure: true });
  });

  test("archives when the retries are spent, or when the handler says so, however deep", () => {
    expect(decideFailure({ retry: 3, retried: 3 }, new Error("x"), policy)).toEqual({ to: "archive" });
    expect(decideFailure({ retry: 3, retried: 0 }, new SkipRetry(), policy)).toEqual({ to: "archive" });
    expect(decideFailure({ retry: 3, retried: 0 }, new Error("x", { cause: new Error("y", { cause: new SkipRetry() }) }), policy)).toEqual({
      to: "archive",
    });
  });

  test("asks sixteen causes deep and no deeper", () => {
    const under = (depth: number): unknown => (depth === 0 ? new SkipRetry() : new Error("x", { cause: under(depth - 1) }));
    expect(decideFailure({ retry: 3, retried: 0 }, under(15), policy).to).toBe("archive");
    expect(decideFailure({ retry: 3, retried: 0 }, under(16), policy).to).toBe("retry");
  });

  test("asks objects alone what they were caused by", () => {
    const cause = Object.assign(() => {}, { code: "SKIP_RETRY" });
    expect(decideFailure({ retry: 3, retried: 0 }, new Error("x", { cause }), policy).to).toBe("retry");
  });

  test("has errors for handlers that say what they are for", () => {
    expect(String(new SkipRetry())).toBe("SkipRetry: skip retry for the task");
    expect(String(new RevokeTask())).toBe("RevokeTask: revoke task");
    expect(String(new SkipRetry("why"))).toBe("SkipRetry: why");
  });

  test("revokes before anything else", () => {
    expect(decideFailure({ retry: 3, retried: 3 }, new Error("x", { cause: new RevokeTask() }), policy)).toEqual({ to: "revoke" });
  });

  test("follows onCancel when a run was canceled and its handler did not say what is to become of it", () => {
    const message = { retry: 3, retried: 0 };
    const stopped = new Error("stopped");
    const canceled = new CanceledError(stopped);
    expect(canceled.cause).toBe(stopped);
    expect(decideFailure(message, canceled, policy)).toMatchObject({ to: "retry", isFailure: true });
    expect(decideFailure(message, canceled, { ...policy, onCancel: "archive" })).toEqual({ to: "archive" });
    expect(decideFailure(message, canceled, { ...policy, onCancel: "delete" })).toEqual({ to: "revoke" });
    expect(decideFailure(message, new CanceledError(new SkipRetry()), { ...policy, onCancel: "delete" })).toEqual({ to: "archive" });
    expect(decideFailure(message, new CanceledError(new RevokeTask()), { ...policy, onCancel: "archive" })).toEqual({ to: "revoke" });
    expect(decideFailure(message, Object.assign(new Error("x"), { code: "CANCELED" }), { ...policy, onCancel: "delete" }).to).toBe("retry");
  });

  test("archives a task whose retries are spent even if the error is no failure, as Asynq does", () => {
    const lenient = { ...policy, isFailure: () => false };
    expect(decideFailure({ retry: 0, retried: 0 }, new Error("x"), lenient)).toEqual({ to: "archive" });
    expect(decideFailure({ retry: 1, retried: 0 }, new Error("x"), lenient)).toMatchObject({ to: "retry", isFailure: false });
  });

  test("knows the errors of another copy of the package by their code, and survives whatever is thrown", () => {
    expect(decideFailure({ retry: 3, retried: 0 }, Object.assign(new Error("x"), { code: "SKIP_RETRY" }), policy)).toEqual({
      to: "archive",
    });
    const circle = new Error("x");
    circle.cause = circle;
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [null, undefined, "text", 5, circle, proxy])
      expect(decideFailure({ retry: 3, retried: 0 }, thrown, { ...policy, onCancel: "delete" }).to).toBe("retry");
  });
});

describe("defaultRetryDelayMs", () => {
  test("is Asynq's formula: n⁴ + 15 + r·(n+1) seconds, r from 0 to 29", () => {
    const at = (float: number) => ({ float: () => float, bytes: () => new Uint8Array() });
    expect([0, 1, 2, 10].map((n) => defaultRetryDelayMs(n, at(0)))).toEqual([15_000, 16_000, 31_000, 10_015_000]);
    expect([0, 1, 2, 10].map((n) => defaultRetryDelayMs(n, at(0.999)))).toEqual([44_000, 74_000, 118_000, 10_334_000]);
  });
});

describe("decideRecovery", () => {
  const random = seededRandom(1);

  test("retries after 1 s · 2ⁿ and up to as much again, and counts beside the failures", () => {
    for (const [recovered, crashes] of [
      [undefined, 1],
      ["", 1],
      ["1@4", 2],
    ] as const) {
      const decision = decideRecovery({ retry: 25, retried: 4 }, recovered, { random });
      expect(decision).toMatchObject({ to: "retry", recovered: `${crashes}@4` });
      const { afterMs } = decision as { afterMs: number };
      expect(afterMs).toBeGreaterThanOrEqual(1000 * 2 ** crashes);
      expect(afterMs).toBeLessThan(2000 * 2 ** crashes);
    }
  });

  test("archives at the third crash, and starts over when a failure was counted since", () => {
    expect(decideRecovery({ retry: 25, retried: 4 }, "2@4", { random })).toEqual({ to: "archive", crashes: 3 });
    expect(decideRecovery({ retry: 25, retried: 5 }, "2@4", { random })).toMatchObject({ to: "retry", recovered: "1@5" });
    expect(decideRecovery({ retry: 25, retried: 0 }, "nonsense", { random })).toMatchObject({ to: "retry", recovered: "1@0" });
  });

  test("recovers a task whose retries are spent, since a crash is no failure, but not one that never had any", () => {
    expect(decideRecovery({ retry: 3, retried: 3 }, undefined, { random })).toMatchObject({ to: "retry" });
    expect(decideRecovery({ retry: 0, retried: 0 }, undefined, { random })).toEqual({ to: "archive", crashes: 1 });
    expect(decideRecovery({ retry: 0, retried: 0 }, undefined, { random, recoverNoRetry: true })).toMatchObject({ to: "retry" });
  });
});

describe("decideHandBack", () => {
  test("waits 1 s · 2ⁿ, at most 60 s, ten times; then it is a failure", () => {
    const waits = Array.from({ length: 10 }, (_, n) => decideHandBack(n));

    expect(waits.map((decision) => decision.to === "hand-back" && decision.afterMs / 1000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    expect(waits.map((decision) => decision.to === "hand-back" && decision.handedBack)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(decideHandBack(10)).toEqual({ to: "fail" });
  });

  test("is for what says that no handler was found, also as a cause", () => {
    expect(isHandlerNotFound(new HandlerNotFoundError("a"))).toBe(true);
    expect(isHandlerNotFound(new Error("x", { cause: new HandlerNotFoundError("a") }))).toBe(true);
    expect(isHandlerNotFound(new Error("x"))).toBe(false);
  });
});
