import { expect, test } from "vitest";
import { type GatewayToken, resolveTokens } from "./token.ts";

test.each<[string, readonly unknown[]]>([
  ["none", []],
  ["an empty one", [""]],
  ["one of several that is empty", ["good", ""]],
  ["spaces", ["two words"]],
  ["a line break", ["line\n"]],
  ["letters beyond ASCII", ["schön"]],
  ["no text", [7]],
  ["nothing", [undefined]],
  ["the same twice", ["good", { token: "good", role: "read" }]],
  ["no token beside a role", [{ role: "read" }]],
  ["no role", [{ token: "good" }]],
  ["an unknown role", [{ token: "good", role: "owner" }]],
  ["an enqueuer without queues", [{ token: "good", role: "enqueue" }]],
  ["an enqueuer of no queue", [{ token: "good", role: "enqueue", queues: [] }]],
  ["a queue that is no list", [{ token: "good", role: "enqueue", queues: "default" }]],
  ["a queue whose keys would be another's", [{ token: "good", role: "enqueue", queues: ["a}:t:{b"] }]],
  ["a blank queue", [{ token: "good", role: "enqueue", queues: [" "] }]],
])("tokens with %s are refused, and not repeated in the error", (_, tokens) => {
  const resolve = () => resolveTokens(tokens as readonly GatewayToken[]);
  expect(resolve).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option: "tokens" }));
  expect(resolve).not.toThrow(/good|two words|schön/);
});
