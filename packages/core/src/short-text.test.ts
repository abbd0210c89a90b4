import { describe, expect, test } from "vitest";
import { shortText } from "./short-text.ts";

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

describe("shortText", () => {
  test("leaves alone what fits", () => {
    expect(shortText("12345678", 8)).toBe("12345678");
    expect(shortText("", 8)).toBe("");
  });

  test("keeps a byte order mark, also where it cuts", () => {
    expect(shortText("\ufeffa", 8)).toBe("\ufeffa");
    expect(shortText(`\ufeff${"a".repeat(100)}`, 8)).toBe("\ufeffaa…");
  });

  test("takes what is twice as long as the limit and fits for whole", () => {
    expect(shortText(`${"\0".repeat(8)}12345678`, 8)).toBe("12345678");
  });

  test.each(["x", "ä", "€", "😀"])("cuts %j at a whole character, within the limit and close to it", (character) => {
    for (const lead of ["", "a", "aa", "aaa"]) {
      const text = shortText(lead + character.repeat(100), 64);

      expect(bytesOf(text)).toBeLessThanOrEqual(64);
      expect(bytesOf(text)).toBeGreaterThan(60);
      expect(text).toMatch(new RegExp(`^${lead}(${character})+…$`, "u"));
    }
  });

  test.each([
    ["a lone surrogate", "a\ud800b", "a\ufffdb"],
    ["NUL", "a\0b", "ab"],
    ["more NUL than the limit, then text: cut, and says so", `${"\0".repeat(100)}b`, "…"],
    ["a pair that the first look cuts in two", `${"\0".repeat(15)}😀`, "\ufffd…"],
  ])("makes well-formed: %s", (_, text, short) => {
    expect(shortText(text, 8)).toBe(short);
  });
});
