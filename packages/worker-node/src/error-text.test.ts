import { describe, expect, test } from "vitest";
import { errorText, maxErrorTextBytes } from "./error-text.ts";

const unshown = "handler threw something that cannot be shown";
const unshowable = {
  get message(): string {
    throw new Error("no");
  },
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const chased = new Error("its own cause");
chased.cause = new Error("in between", { cause: chased });
const circular: Record<string, unknown> = {};
circular.self = circular;

describe("errorText", () => {
  test.each<[string, unknown, string]>([
    ["an error's message", new Error("smtp is down"), "smtp is down"],
    ["an error without message", new TypeError(), "TypeError"],
    ["a string", "smtp is down", "smtp is down"],
    ["an empty string", "", "handler threw an empty string"],
    ["undefined", undefined, "handler threw undefined"],
    ["null", null, "handler threw null"],
    ["a number", 42, "handler threw 42"],
    ["a symbol", Symbol("s"), "handler threw Symbol(s)"],
    ["a plain object", { status: 500 }, 'handler threw {"status":500}'],
    ["what looks like an error", { message: "looks like one" }, "looks like one"],
    ["what refuses to be looked at", unshowable, unshown],
    ["what JSON cannot hold", circular, unshown],
    ["a proxy that is revoked", revoked.proxy, unshown],
    ["an error that causes itself", chased, "its own cause"],
    ["an error whose message is no text", Object.assign(new Error("x"), { message: 42 }), "42"],
    ["an error whose message has no text", Object.assign(new Error("x"), { message: Object.create(null) }), unshown],
    ["an error of nothing but NUL", new Error("\0"), "handler threw an error without text"],
    ["a bigint", 42n, "handler threw 42"],
    ["NaN", Number.NaN, "handler threw NaN"],
    ["a function", function failed() {}, "handler threw function failed() {}"],
    ["an object without prototype", Object.assign(Object.create(null), { a: 1 }), 'handler threw {"a":1}'],
    ["an object that says it is undefined", { toJSON: () => undefined }, "handler threw an object"],
    ["several errors in one", new AggregateError([new Error("a")], "all failed"), "all failed"],
    ["a lone surrogate", new Error("a\ud800b"), "a\ufffdb"],
    ["a NUL", new Error("a\0b"), "ab"],
  ])("shows %s", (_, thrown, text) => {
    expect(errorText(thrown)).toBe(text);
  });

  test("cuts a message of 64 MiB without encoding it all", () => {
    const text = errorText(new Error("😀".repeat(2 ** 24)));

    expect(text).toBe(`${"😀".repeat(1023)}…`);
  });

  test("leaves a text alone that just fits", () => {
    expect(errorText(new Error("x".repeat(maxErrorTextBytes)))).toBe("x".repeat(maxErrorTextBytes));
  });
});
