import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The top of the workspace. */
export const root: string = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * What decides without Redis: what a caller's words come to, what is sent and what an answer means, whether to try again, what becomes of a
 * failure, what bytes say, what is wrong with a keyspace or a history that was read. Each is to be shown by tests that need no Redis, and
 * its mutants are tried on these alone.
 */
const decides = [
  "*.ts",
  "wire/*.ts",
  "metrics/*.ts",
  "ticks/tick.ts",
  "invariants/{fenced,group-homes,judge-*,monotone,total-queue,untouched-while-paused,within-bounds}.ts",
  "redis/{http-endpoint,key-slot,redis-uri,refusal,repeating-port}.ts",
];

/** What carries that to Redis and back has tests with real Redis, and Lua, which has a mutator of its own. */
const carries = /\/src\/(broker|durability|send-plain)\.ts$|\.test\.ts$/;

/** The modules whose mutants are tried, by their paths in the workspace. */
export const modules: readonly string[] = inCore(decides).filter((file) => !carries.test(file));

/** What runs in a bundle or in a process of its own, without the mutants. */
const elsewhere = /\.(slow|workerd)\.test\.ts$|\/in-workerd\.test\.ts$/;

/** With mutants in it code is many times as slow: tests of how much time it takes are not run. */
export const timing: RegExp = /takes linear time|and a mebibyte/;

const withRedis = /\/support\/[a-z-]*(-test|redis-server)\.ts"|from "ioredis"/;

/** Core's tests that need no Redis. */
export const tests: readonly string[] = inCore(["**/*.test.ts"]).filter((file) => !elsewhere.test(file) && !withRedis.test(textOf(file)));

export function textOf(file: string): string {
  return readFileSync(`${root}${file}`, "utf8");
}

function inCore(patterns: readonly string[]): string[] {
  return globSync(
    patterns.map((pattern) => `packages/core/src/${pattern}`),
    { cwd: root },
  ).sort();
}
