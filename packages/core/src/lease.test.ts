import { expect, test } from "vitest";
import { drawToken, fenceText, leaseScore, leaseSec, tokenParts } from "./lease.ts";

const drawing = (float: number) => ({ float: () => float, bytes: () => new Uint8Array() });

test("a token is a whole number from 1 to 2^20 - 1, never 0, which is what Go's leases have", () => {
  expect([leaseSec, tokenParts]).toEqual([30, 1_048_576]);
  expect([0, 0.5, 1 - Number.EPSILON].map((float) => drawToken(drawing(float)))).toEqual([1, 524_288, 1_048_575]);
});

test("the score of a lease is its end, with the token as its fraction, exactly", () => {
  expect(leaseScore(1_700_000_000, 524_288)).toBe(1_700_000_000.5);
  expect(leaseScore(1_700_000_000, 1_048_575) % 1).toBe(1_048_575 / 1_048_576);
});

test("a fence is the token, or the whole score behind an equals sign", () => {
  expect([fenceText({ token: 524_288 }), fenceText({ expiredScore: "1700000000.5" })]).toEqual(["524288", "=1700000000.5"]);
});
