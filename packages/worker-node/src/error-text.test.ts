import { describe, expect, test } from "vitest";
import { errorText, maxErrorTextBytes } from "./error-text.ts";

const unshowable = {
  get message(): string {
    throw new Error("no");
  },
};
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
    ["what refuses to be looked at", unshowable, "handler threw something that cannot be shown"],
    ["what JSON cannot hold", circular, "handler threw something that cannot be shown"],
    ["a lone surrogate", new Error("a\ud800b"), "a\ufffdb"],
    ["a NUL", new Error("a\0b"), "ab"],
  ])("shows %s", (_, thrown, text) => {
    expect(errorText(thrown)).toBe(text);
  });

  test.each(["x", "ä", "€", "😀"])("cuts a long text of %j at a whole character, within the limit", (character) => {
    for (const lead of ["", "a", "aa", "aaa"]) {
      const text = errorText(new Error(lead + character.repeat(5000)));

      expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(maxErrorTextBytes);
      expect(new TextEncoder().encode(text).length).toBeGreaterThan(maxErrorTextBytes - 4);
      expect(text).toMatch(new RegExp(`^${lead}(${character})+…$`, "u"));
    }
  });

  test("leaves a text alone that just fits", () => {
    expect(errorText(new Error("x".repeat(maxErrorTextBytes)))).toBe("x".repeat(maxErrorTextBytes));
  });
});
