import { globSync, readFileSync } from "node:fs";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const tests = ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts", "demo/**/*.test.ts"];
const slow = tests.map((pattern) => pattern.replace(".test.ts", ".slow.test.ts"));
const workerd = tests.map((pattern) => pattern.replace(".test.ts", ".workerd.test.ts"));
const never = ["**/node_modules/**", "**/dist/**"];

const ioredisContract = "packages/core/src/redis/ioredis-contract.test.ts";

/** Every test of core that asks for a broker or a port: none can be left out of a port's project. */
const onEveryPort = globSync("packages/core/src/**/*.test.ts").filter(
  (file) => file !== ioredisContract && /\/support\/(broker|aggregation)-test\.ts"/.test(readFileSync(file, "utf8")),
);

/** Where nothing but connections is between a port and Redis there is another port: ioredis' through Sentinels, ours to a Cluster. */
const otherPorts: Readonly<Record<string, string>> = {
  sentinel: ioredisContract,
  cluster: "packages/worker-node/src/light-redis/light-port.test.ts",
};

// Tests of one file that go on at once wait, for the most part; but what they start shares the cores with the other worker, and its failovers.
// What is polled for without a bound of its own comes as soon as the machine gets to it: a second is less than a busy one takes.
const onNode = { pool: "forks", testTimeout: 20_000, maxConcurrency: 2, expect: { poll: { timeout: 10_000 } } } as const;

export default defineConfig({
  test: {
    // Redis, workerd and the tests share the machine's cores.
    maxWorkers: 2,
    globalSetup: ["test/support/global-redis.ts"],
    passWithNoTests: !process.env.CI,
    projects: [
      {
        test: {
          ...onNode,
          name: "node",
          include: tests,
          exclude: [...never, ...slow, ...workerd, "test/pack/**", "test/deploy/**"],
          provide: { brokerPort: "redis" },
        },
      },
      // What a broker function does, it does on every port; and once, though every call arrives twice.
      ...(["replaying", "sentinel", "cluster", "fetch", "upstash"] as const).map((port) => ({
        test: {
          ...onNode,
          name: port,
          include: [...onEveryPort, ...(otherPorts[port] === undefined ? [] : [otherPorts[port]])],
          exclude: [...never, ...slow, ...workerd],
          provide: { brokerPort: port },
          ...(port === "cluster" && { globalSetup: ["test/support/global-cluster.ts"] }),
        },
      })),
      // What is published, as its user has it: built, packed, installed.
      {
        test: {
          ...onNode,
          name: "pack",
          include: ["test/pack/*.test.ts", "test/deploy/*.test.ts"],
          // Removing what npm installed takes a slow disk longer than the ten seconds of others.
          hookTimeout: 120_000,
          exclude: never,
          globalSetup: ["test/pack/global-pack.ts"],
        },
      },
      // Those that wait for a clock that is not ours.
      { test: { ...onNode, name: "slow", include: slow, exclude: never, testTimeout: 120_000, provide: { brokerPort: "redis" } } },
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: "2026-10-01" } })],
        test: { name: "workerd", include: workerd, exclude: never },
      },
    ],
  },
});
