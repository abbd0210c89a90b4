import { describe, expect, test } from "vitest";
import { chunks } from "./chunks.ts";
import { mutationsOf, parseScript } from "./mutations-of.ts";

/** What a piece of Lua may become. */
function mutants(lua: string): string[] {
  return mutationsOf(lua).map(({ start, end, text }) => lua.slice(0, start) + text + lua.slice(end));
}

describe("mutationsOf", () => {
  test.each([
    ["a statement is left out", "f()", [""]],
    ["a comparison becomes its neighbours", "return a < b", ["", "return a <= b", "return a >= b"]],
    ["equal becomes unequal", "return a == b", ["", "return a ~= b"]],
    ["and becomes or, and either side stands alone", "return a and b", ["", "return a", "return b", "return a or b"]],
    ["a side with an operator keeps its parentheses", "return (a or b) and c", expect.arrayContaining(["return (a or b)", "return c"])],
    ["a condition always holds; that it never does is the statement left out", "if a then f() end", ["", "if true then f() end"]],
    [
      "where there is another branch, a condition also never holds",
      "if a then f() else g() end",
      expect.arrayContaining(["if true then f() else g() end", "if false then f() else g() end"]),
    ],
    ["not is left out", "return not a", ["", "return a"]],
    ["a number is one off, and stays above zero", "return 0, 7", ["", "return 1, 7", "return 0, 8", "return 0, 6"]],
    ["a number that has no next one stays", "return 9007199254740993", [""]],
    ["a text has no place before its first", "string.sub(a, 1, n)", ["", "string.sub(a, 2, n)"]],
    ["a minus is left out", "return -1", ["", "return 1", "return -2", "return -0"]],
    ["true becomes false", "return true", ["", "return false"]],
    ["text is emptied, and no text is filled", 'return "a", ""', ["", 'return "", ""', 'return "a", "?"']],
    ["sums and products are turned round", "return a + b * c", ["", "return a - b * c", "return a + b / c"]],
    ["one of a list is left out", "return { a, b }", ["", "return { b }", "return { a }"]],
    ["the smaller becomes the larger", "return math.min(a, b)", ["", "return math.max(a, b)"]],
    ["what is made a number stays text", "return tonumber(a)", ["", "return a"]],
    ["but where a sum makes it one", "return tonumber(a) + b", ["", "return tonumber(a) - b"]],
    ["a refusal is no answer any more", 'f(redis.pcall("GET", k))', ["", 'f(redis.call("GET", k))']],
    ["a command acts on the other end", 'redis.call("LPUSH", k, id)', ["", 'redis.call("RPUSH", k, id)']],
    [
      "a field with its value is left out",
      'redis.call("HSET", k, a, b, c, d)',
      ["", 'redis.call("HSET", k, c, d)', 'redis.call("HSET", k, a, b)'],
    ],
    [
      "an option is left out",
      'redis.call("ZADD", k, "XX", n, id)',
      ["", 'redis.call("ZADD", k, n, id)', 'redis.call("ZADD", k, "", n, id)'],
    ],
    ["nothing becomes of a comment", "-- a < b\nreturn a", ["-- a < b\n"]],
  ])("%s: %s", (_, lua, expected) => {
    expect(mutants(lua).map((mutant) => mutant.trim())).toEqual(
      Array.isArray(expected) ? expect.arrayContaining(expected.map((mutant) => mutant.trim())) : expected,
    );
    if (Array.isArray(expected)) expect(mutants(lua)).toHaveLength(expected.length);
  });

  test("reads the loop over a script's items, which is no Lua before it is linked", () => {
    expect(mutants("for_each_item(a, b) do f(a, b) end")).toEqual([""]);
  });

  test("makes each text once, and never the same one again", () => {
    for (const { lua } of chunks) {
      const texts = mutants(lua);
      expect(new Set(texts).size).toBe(texts.length);
      expect(texts).not.toContain(lua);
    }
  });

  test("makes nothing but Lua of the scripts that there are", () => {
    for (const { lua } of chunks) for (const text of mutants(lua)) expect(() => parseScript(text)).not.toThrow();
  });
});
