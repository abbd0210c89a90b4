import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findCanaries, makeCanaries } from "./canaries.ts";

function folder(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-canaries-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(path.join(dir, "logs"));
  return dir;
}

test("a canary is found in whatever file and line it is said, in the middle of others' base64 too", async () => {
  const dir = folder();
  const canaries = makeCanaries();
  writeFileSync(path.join(dir, "a.log"), `line\nERR AUTH ${canaries["redis-password"]} was wrong\n`);
  writeFileSync(path.join(dir, "logs/b.log"), `\n\n{"payload":"${Buffer.from(`xy${canaries.payload}z`).toString("base64")}"}`);
  writeFileSync(path.join(dir, "logs/c.log"), Buffer.from(canaries.result).toString("hex"));

  expect((await findCanaries(dir, canaries)).sort()).toEqual([
    "payload in base64, 2 bytes behind in logs/b.log, line 3",
    "redis-password as it is in a.log, line 2",
    "result in hex in logs/c.log, line 1",
  ]);
});

test("a canary across the edge of two pieces of a large file is found once, and none where none is", async () => {
  const dir = folder();
  const canaries = makeCanaries();
  writeFileSync(path.join(dir, "large.log"), `${"x".repeat(2 ** 20 - 10)}${canaries.header}\n`);

  expect(await findCanaries(dir, canaries)).toEqual(["header as it is in large.log, line 1"]);
  expect(await findCanaries(dir, makeCanaries())).toEqual([]);
});
