import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkBundleSizes } from "./bundle-sizes.ts";

test("checkBundleSizes counts what an entry adds to an empty Worker, and finds the one over its budget", async () => {
  const root = mkdtempSync(path.join(tmpdir(), "asynqjs-budget-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(path.join(root, "noise.ts"), `export const noise: string = ${JSON.stringify(randomBytes(1500).toString("base64"))};`);
  writeFileSync(path.join(root, "worker.ts"), 'import { noise } from "./noise.ts"; export default { fetch: () => new Response(noise) };');

  const over = await checkBundleSizes(root, [
    { entry: "worker.ts", maxGzipBytes: 1000 },
    { entry: "gone.ts", maxGzipBytes: 1000 },
  ]);

  expect(over.faults).toEqual([expect.stringMatching(/^worker\.ts weighs 1[5-7]\d\d bytes gzipped, its budget is 1000$/)]);
  expect(over.notes).toEqual([expect.stringMatching(/^worker\.ts 1[5-7]\d\d of 1000 bytes$/), "gone.ts is not there yet"]);
});
