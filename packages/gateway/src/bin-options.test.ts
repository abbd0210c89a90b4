import { expect, test } from "vitest";
import { readBinOptions, usage } from "./bin-options.ts";
import { limitNames, resolveLimits } from "./limits.ts";

const files: Record<string, string> = {
  "/tokens": "one\n two \r\n\n",
  "/roles": "# who is who\none\ntwo read\nthree full\nfour  enqueue\tmail critical\n",
  "/empty": "\n",
  "/bad-role": "one\ns3cret owner\n",
  "/no-queue": "s3cret enqueue\n",
  "/queue-of-a-reader": "s3cret read mail\n",
};
const readFile = (path: string) => {
  const text = files[path];
  if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
  return text;
};
const read = (args: string, env: Record<string, string> = {}) => readBinOptions(args.split(" ").filter(Boolean), env, readFile);
const defaults = { host: "127.0.0.1", port: 8079, limits: resolveLimits() };

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

test("a line of the token file may give a role", () => {
  expect(read("--redis redis://r --token-file /roles")).toMatchObject({
    options: {
      tokens: [
        "one",
        { token: "two", role: "read" },
        { token: "three", role: "full" },
        { token: "four", role: "enqueue", queues: ["mail", "critical"] },
      ],
    },
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
  const flags = limitNames.map((name) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  const args = `--host 0.0.0.0 --port 0 ${flags.map((flag, i) => `${flag} ${i + 1}`).join(" ")}`;
  expect(read(`--redis redis://r --token-file /tokens ${args}`)).toMatchObject({
    options: { host: "0.0.0.0", port: 0, limits: Object.fromEntries(limitNames.map((name, i) => [name, i + 1])) },
  });
  for (const [i, flag] of flags.entries()) {
    expect(usage).toMatch(new RegExp(`^  ${flag} N .*\\(default ${resolveLimits()[limitNames[i]!]}\\)$`, "m"));
  }
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
  ["--redis redis://r --token-file /bad-role", "--token-file"],
  ["--redis redis://r --token-file /no-queue", "--token-file"],
  ["--redis redis://r --token-file /queue-of-a-reader", "--token-file"],
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
