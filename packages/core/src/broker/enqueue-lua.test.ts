import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { compactLua } from "../../../../test/support/compact-lua.ts";
import { defineScript } from "../script.ts";
import { enqueueScript } from "./enqueue.ts";
import { enqueueLua, enqueueNames } from "./enqueue-lua.ts";

/** The module that holds `enqueue`'s text. */
function enqueueTextModule(): string {
  const { keys, args } = enqueueNames;
  const linked = defineScript({ ...enqueueScript, keys, args, lua: enqueueLua }).text("raw", false);
  const named = compactLua(linked);
  return [
    "// Made from enqueue-lua.ts by enqueue-lua.test.ts, `vitest run packages/core/src/broker/enqueue-lua -u`: do not edit.",
    `export const enqueueText = ${JSON.stringify(named)};`,
    `export const enqueueSha = "${createHash("sha1").update(named).digest("hex")}";`,
    "",
  ].join("\n");
}

test("the committed text of enqueue is what enqueue-lua.ts makes", async () => {
  await expect(enqueueTextModule()).toMatchFileSnapshot("generated/enqueue-text.ts");
});
