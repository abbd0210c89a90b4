import { timingSafeEqual } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { makeTokenCheck, presentedToken } from "./check-token.ts";

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
])("of the tokens old and new, the header %o is allowed: %o", (authorization, allowed) => {
  expect(makeTokenCheck(["old", "new"])(presentedToken(authorization, "http://h/")) !== undefined).toBe(allowed);
});

test.each([
  ["http://h/?_token=new", "new"],
  ["http://h/get/a?EX=1&_token=a%2Fb", "a/b"],
  ["http://h/get/_token=new", ""],
  ["http://h/get/a?token=new", ""],
])("without a header the token of %s is %o", (url, token) => {
  expect(presentedToken(undefined, url)).toBe(token);
});

test("a header wins over the parameter, also when it is wrong", () => {
  expect(presentedToken("Bearer other", "http://h/?_token=new")).toBe("other");
  expect(presentedToken("Basic other", "http://h/?_token=new")).toBe("");
});

test("a token comes with what it may do", () => {
  const grantOf = makeTokenCheck(["all", { token: "some", role: "read" }, { token: "one", role: "enqueue", queues: ["a", "b"] }]);

  expect([grantOf("all"), grantOf("some"), grantOf("none")]).toEqual([{ role: "full" }, { role: "read" }, undefined]);
  expect(grantOf("one")).toEqual({ role: "enqueue", queues: new Set(["a", "b"]) });
});

test.each(["first", "third", "f", "x".repeat(70), ""])(
  "%o is compared with every token, as digests of one length, in constant time",
  (presented) => {
    makeTokenCheck(["first", "second", "third"])(presented);

    const compared = vi.mocked(timingSafeEqual).mock.calls.map(([a, b]) => [a.byteLength, b.byteLength]);
    expect(compared).toEqual([
      [32, 32],
      [32, 32],
      [32, 32],
    ]);
  },
);
