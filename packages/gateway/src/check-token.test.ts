import { timingSafeEqual } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { makeTokenCheck } from "./check-token.ts";

// The real functions; only the calls are counted.
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});

beforeEach(() => {
  vi.mocked(timingSafeEqual).mockClear();
});

test.each([
  ["Bearer old", true],
  ["Bearer new", true],
  ["bearer new", true],
  ["BEARER   new", true],
  ["Bearer ne", false],
  ["Bearer newer", false],
  ["Bearer NEW", false],
  ["Bearer old new", false],
  ["Bearer ", false],
  ["Bearer", false],
  ["Bearernew", false],
  ["Basic new", false],
  ["new", false],
  ["", false],
  [undefined, false],
])("of the tokens old and new, %o is allowed: %o", (authorization, allowed) => {
  expect(makeTokenCheck(["old", "new"])(authorization)).toBe(allowed);
});

test.each(["Bearer first", "Bearer third", "Bearer f", `Bearer ${"x".repeat(70)}`, undefined])(
  "%s is compared with every token, as digests of one length, in constant time",
  (authorization) => {
    makeTokenCheck(["first", "second", "third"])(authorization);

    const compared = vi.mocked(timingSafeEqual).mock.calls.map(([a, b]) => [a.byteLength, b.byteLength]);
    expect(compared).toEqual([
      [32, 32],
      [32, 32],
      [32, 32],
    ]);
  },
);

test.each([[[]], [[""]], [["good", ""]], [["two words"]], [["line\n"]], [["schön"]]])(
  "tokens %o are refused before anything is started, and not repeated in the error",
  (tokens) => {
    expect(() => makeTokenCheck(tokens)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option: "tokens" }));
    expect(() => makeTokenCheck(tokens)).not.toThrow(/good|two words|schön/);
  },
);
