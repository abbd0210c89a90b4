import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { compactLua } from "../../../../test/support/compact-lua.ts";
import { bytesPrelude } from "../lua/bytes.ts";
import { defineScript } from "../script.ts";
import { enqueueScript } from "./enqueue.ts";
import { enqueueLua, enqueueNames } from "./enqueue-lua.ts";

/** The module that holds `enqueue`'s text. On TCP bytes come as they are: what would unpack them there answers them. */
function enqueueTextModule(): string {
  const head = "-- asynqjs enqueue\n";
  const linked = compactLua(defineScript({ ...enqueueScript, ...enqueueNames, lua: enqueueLua }).text("json", false));
  const unpackJson = compactLua(bytesPrelude);
  expect(linked.startsWith(`${unpackJson}\n`)).toBe(true);
  const unpackName = /^local function (\w)\(\w\)\n(?!.*^local function)/ms.exec(unpackJson)![1];
  const json = `${head}${unpackJson}`;
  const raw = `${head}local function ${unpackName}(a)return a end`;
  const body = linked.slice(unpackJson.length);
  const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");
  const parts = Object.entries({ json, raw, body, jsonSha: sha1(json + body), rawSha: sha1(raw + body) });
  return [
    "// Made from enqueue-lua.ts by enqueue-lua.test.ts, `vitest run packages/core/src/broker/enqueue-lua -u`: do not edit.",
    "export const enqueueText = {",
    ...parts.map(([part, text]) => `  ${part}: ${JSON.stringify(text)},`),
    "};",
    "",
  ].join("\n");
}

test("the committed text of enqueue is what enqueue-lua.ts makes", async () => {
  await expect(enqueueTextModule()).toMatchFileSnapshot("generated/enqueue-text.ts");
});
