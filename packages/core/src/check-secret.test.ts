import { describe, expect, test } from "vitest";
import { isSame, isSecret } from "./check-secret.ts";

describe("the secret", () => {
  test("is one from 16 characters on", () => {
    expect([undefined, "", "a".repeat(15), "a".repeat(16)].map(isSecret)).toEqual([false, false, false, true]);
  });

  test.for([
    ["a-secret", "a-secret", true],
    ["a-secret", "a-secreT", false],
    ["b-secret", "a-secret", false],
    ["a-secret", "a-secret-and-more", false],
    ["", "a-secret", false],
    ["ä", "a", false],
  ] as const)("%o against %o: %o", async ([presented, secret, same]) => {
    expect(await isSame(presented, secret)).toBe(same);
  });
});
