import { expect, test } from "vitest";
import { maxCommandParts } from "./command.ts";
import { parseCommand, parseCommands } from "./parse-commands.ts";

const command = (json: string) => parseCommand(Buffer.from(json));
const pipeline = (json: string) => parseCommands(Buffer.from(json), "pipeline", 3);

test("strings are arguments as they are, with any character in them", () => {
  expect(command(String.raw`["SET", "k", "\u0000\u00ff \r\n\"\ud83d\ude00"]`)).toEqual(["SET", "k", '\0ÿ \r\n"😀']);
});

test("what is no string is its JSON text, as @upstash/redis would have written it", () => {
  const parsed = command('["X", 100, -5, 1e3, true, false, null, {"a": [1, "b"]}, [], [["c"]]]');
  expect(parsed).toEqual(["X", "100", "-5", "1000", "true", "false", "null", '{"a":[1,"b"]}', "[]", '[["c"]]']);
});

test("a number that a JavaScript number would change keeps its digits", () => {
  const parsed = command('["X", 9007199254740993, -9223372036854775808, 0.1, 1.10, 1e400, {"n": 9007199254740993}, 7]');
  expect(parsed).toEqual(["X", "9007199254740993", "-9223372036854775808", "0.1", "1.10", "1e400", '{"n":9007199254740993}', "7"]);
  expect(command('["X", -0, [-0]]')).toEqual(["X", "-0", "[-0]"]);
});

test("bytes that are no UTF-8 become U+FFFD", () => {
  const parsed = parseCommand(Buffer.concat([Buffer.from('["X","'), Buffer.of(0xff), Buffer.from('"]')]));
  expect(parsed).toEqual(["X", "\ufffd"]);
});

test.each(["", "[", "nope", "{}", "null", '"PING"', "1", "[1]", "[null]", '[["PING"]]', '[{"a":1}]', "\ufeff[]"])(
  "%o is no command",
  (json) => {
    expect(() => command(json)).toThrow(expect.objectContaining({ status: 400, message: "ERR failed to parse command" }));
  },
);

test("an empty array is an empty command", () => {
  expect(() => command("[]")).toThrow(expect.objectContaining({ status: 400, message: "ERR empty command" }));
});

test.each(["", "[[", "{}", '["PING"]', '[["PING"], "PING"]', "[[1]]", "[[[]]]", '[["PING"], null]'])("%o is no pipeline", (json) => {
  expect(() => pipeline(json)).toThrow(expect.objectContaining({ status: 400, message: "ERR failed to parse pipeline request" }));
});

test.each([
  ["[]", "ERR empty pipeline request"],
  ['[["PING"], []]', "ERR empty pipeline command"],
])("%o is refused as empty", (json, message) => {
  expect(() => pipeline(json)).toThrow(expect.objectContaining({ status: 400, message }));
});

test("a pipeline has as many commands as the limit allows, and not one more", () => {
  const of = (n: number) => JSON.stringify(Array.from({ length: n }, () => ["PING"]));

  expect(pipeline(of(2))).toHaveLength(2);
  expect(pipeline(of(3))).toHaveLength(3);
  expect(() => pipeline(of(4))).toThrow(/^ERR max pipeline length exceeded. Limit: 3 commands, Actual: 4 commands$/);
});

test("a command has as many parts as Redis takes, and not one more", () => {
  const of = (n: number) => `["MGET"${',""'.repeat(n - 1)}]`;

  expect(command(of(maxCommandParts))).toHaveLength(maxCommandParts);
  expect(() => command(of(maxCommandParts + 1))).toThrow(/^ERR failed to parse command$/);
});

test.each([
  ["nested brackets", (n: number) => "[".repeat(n) + "]".repeat(n)],
  ["an argument of nested brackets", (n: number) => `["X",${"[".repeat(n)}${"]".repeat(n)}]`],
  ["an argument of nested objects", (n: number) => `["X",${'{"a":'.repeat(n)}0.5${"}".repeat(n)}]`],
])("%s a million deep are refused, not followed", (_, nested) => {
  expect(() => command(nested(1_000_000))).toThrow(expect.objectContaining({ status: 400, message: "ERR failed to parse command" }));
});

test("a request holds as many values as Redis takes in one command, wherever they stand, and not one more", () => {
  const of = (n: number) => `[["X",{"a":[",,,",${"0,".repeat(n - 3)}0]}]]`;

  expect(pipeline(of(maxCommandParts))).toHaveLength(1);
  expect(() => pipeline(of(maxCommandParts + 1))).toThrow(/^ERR failed to parse pipeline request$/);
});

test("nesting is allowed to 128 levels, and not one more", () => {
  const of = (n: number) => `["X",${"[".repeat(n - 1)}${"]".repeat(n - 1)}]`;

  expect(command(of(127))).toEqual(["X", "[".repeat(126) + "]".repeat(126)]);
  expect(command(of(128))).toEqual(["X", "[".repeat(127) + "]".repeat(127)]);
  expect(() => command(of(129))).toThrow(/^ERR failed to parse command$/);
});

test("brackets in a string are no nesting, whatever is escaped before its end", () => {
  const brackets = "[{".repeat(200);
  for (const argument of [brackets, `\\${brackets}`, `"${brackets}`, `\\"${brackets}\\\\`, `${brackets}\\\\"`]) {
    expect(command(JSON.stringify(["X", argument, "]"]))).toEqual(["X", argument, "]"]);
  }
});
