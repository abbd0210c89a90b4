import { describe, expect, test } from "vitest";
import { commandSlot, keySlot } from "./key-slot.ts";

const slotOf = (key: string): number => keySlot(Buffer.from(key));

describe("keySlot", () => {
  test.each([
    ["", 0],
    ["123456789", 12_739],
    ["foo", 12_182],
    ["bar", 5_061],
    ["hello", 866],
    ["foo{}{bar}", 8_363],
    ["foo{{bar}}zap", 4_015],
    ["foo{bar}{zap}", 5_061],
    ["{bar}zap", 5_061],
    ["}{bar}", 5_061],
  ])("of %j is the one that the specification of Redis Cluster gives it: %i", (key, slot) => {
    expect(slotOf(key)).toBe(slot);
  });

  test("is that of the whole key where braces are not closed, or hold nothing", () => {
    const slots = ["foo{bar", "foo}bar{", "foo}bar", "}{", "{}", "{}bar"].map(slotOf);
    for (const part of ["foo", "bar", ""]) expect(slots).not.toContain(slotOf(part));
    expect(new Set(slots).size).toBe(6);
  });
});

describe("commandSlot", () => {
  test("finds the first key of a command and of a script, in text and in bytes", () => {
    expect(commandSlot(["ZADD", "{q}k", "1", "m"])).toBe(slotOf("q"));
    expect(commandSlot(["ZADD", new TextEncoder().encode("{q}k"), "1", "m"])).toBe(slotOf("q"));
    expect(commandSlot(["EVAL", "return 1", "1", Buffer.from("{q}a"), "{p}"])).toBe(slotOf("q"));
    expect(commandSlot(["SADD", "0", "1", "{q}"])).toBe(slotOf("0"));
    expect(commandSlot(["EVALSHA", "sha", "2", "{q}a", "{q}b", "x"])).toBe(slotOf("q"));
  });

  test("says that a command without a key has none", () => {
    for (const command of [["TIME"], ["PING"], ["INFO", "server"], ["EVAL", "return 1", "0", "x"]])
      expect(commandSlot(command)).toBeUndefined();
  });
});
