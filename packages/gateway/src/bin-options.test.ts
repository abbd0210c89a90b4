import { expect, test } from "vitest";
import { readBinOptions } from "./bin-options.ts";

const files: Record<string, string> = { "/tokens": "one\n two \r\n\n", "/empty": "\n" };
const readFile = (path: string) => {
  const text = files[path];
  if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
  return text;
};
const read = (args: string, env: Record<string, string> = {}) => readBinOptions(args.split(" ").filter(Boolean), env, readFile);
const defaults = { host: "127.0.0.1", port: 8079, limits: { maxBodyBytes: 10_485_760, maxCommands: 1_000, timeoutMs: 10_000 } };

test("a Redis and a token file are enough", () => {
  expect(read("--redis redis://r --token-file /tokens")).toEqual({
    action: "start",
    options: { ...defaults, redis: "redis://r", tokens: ["one", "two"] },
    warnings: [],
  });
});

test("the environment is enough too, and tokens of every source count", () => {
  const env = { ASYNQJS_GATEWAY_REDIS: "redis://:pw@e", ASYNQJS_GATEWAY_TOKEN: "a", ASYNQJS_GATEWAY_TOKENS: "b, c" };
  expect(read("", env)).toMatchObject({ options: { redis: "redis://:pw@e", tokens: ["a", "b", "c"] }, warnings: [] });
  expect(read("--redis redis://r --token-file /tokens", env)).toMatchObject({
    options: { redis: "redis://r", tokens: ["one", "two", "a", "b", "c"] },
  });
});

test("secrets on the command line are taken, with a warning that does not repeat them", () => {
  const { options, warnings } = read("--redis redis://:hunter2@r --token t0ken --token t1ken") as never as {
    options: { tokens: string[] };
    warnings: string[];
  };
  expect(options.tokens).toEqual(["t0ken", "t1ken"]);
  expect(warnings).toHaveLength(2);
  expect(warnings.join()).not.toMatch(/hunter2|t0ken|t1ken/);
});

test("every limit can be set", () => {
  const args = "--host 0.0.0.0 --port 0 --max-body-bytes 1 --max-commands 2 --timeout-ms 3";
  expect(read(`--redis redis://r --token-file /tokens ${args}`)).toMatchObject({
    options: { host: "0.0.0.0", port: 0, limits: { maxBodyBytes: 1, maxCommands: 2, timeoutMs: 3 } },
  });
});

test("help and version need nothing else", () => {
  expect(read("--help")).toEqual({ action: "help" });
  expect(read("--version")).toEqual({ action: "version" });
});

test.each([
  ["--token-file /tokens", "--redis"],
  ["--redis redis://r", "--token-file"],
  ["--redis redis://r --token-file /empty", "--token-file"],
  ["--redis redis://r --token-file /missing", "--token-file"],
  ["--redis redis://r --token-file /tokens --port x", "--port"],
  ["--redis redis://r --token-file /tokens --timeout-ms -1", "arguments"],
  ["--redis redis://r --token-file /tokens --max-commands 0", "limits.maxCommands"],
  ["--redis redis://r --token-file /tokens s3cret", "arguments"],
  ["--nonsense", "arguments"],
  ["--token", "arguments"],
])("%s is refused, naming %s", (args, option) => {
  expect(() => read(args)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
  expect(() => read(args)).not.toThrow(/s3cret/);
});
