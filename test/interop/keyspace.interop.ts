/**
 * The same keyspace as Go's: what users of Asynq do is done by Go's public API in one database and by ours in another, and after each move
 * both hold the same, byte for byte, but for the rows of `docs/extensions.md`.
 *
 * `ASYNQJS_HISTORIES` says how many are drawn, `ASYNQJS_SEED` from what; `ASYNQJS_PATH` plays one again.
 */
import { afterAll, beforeAll } from "vitest";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import type { GoVersion } from "./go-programs.ts";
import { expect, goVersions, onGo } from "./interop-test.ts";
import { directed } from "./keyspace/directed/index.ts";
import { ExceptionUse } from "./keyspace/exceptions.ts";
import { Lane } from "./keyspace/lane.ts";
import { playHistories } from "./keyspace/play-histories.ts";
import { exceptions } from "./keyspace/rows/index.ts";

const { ASYNQJS_HISTORIES: histories = "200", ASYNQJS_SEED: seed = "2026", ASYNQJS_PATH: path } = process.env;
/** Of the older ones a tenth: before v0.25.0 each server takes a second or two. */
const share: Readonly<Partial<Record<GoVersion, number>>> = { "v0.26.0": 1, "v0.25.1": 0.1, "v0.24.1": 0.1 };
const lanes = 16;
const timeout = 120_000 + Number(histories) * 2_000;

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis({ databases: 2 * lanes });
  return () => redis.stop();
});

const use = new ExceptionUse(exceptions);

/** A history of its own for each row, of which the row's exception is a need. */
const playsDirected =
  (rows: readonly string[]): Parameters<typeof onGo>[1] =>
  (test, file) => {
    test.for(rows)("%s: differs as its row says, and in nothing else", async (row, { goVersion }) => {
      const usedBefore = use.used.get(row) ?? 0;
      const redisUrls = [`${redis.url}/0`, `${redis.url}/1`] as const;
      const lane = new Lane({ version: goVersion, file, redisUrls, name: "directed", exceptions: use, fixedDelay: true });
      try {
        while (!(await lane.isPlayed(() => directed[row]!({ lane, file })))) {}
      } finally {
        await lane.end();
      }
      expect(use.used.get(row) ?? 0).toBeGreaterThan(usedBefore);
    });
  };

const ofSemaphores = ["Semaphores"];
onGo(["v0.26.0"], playsDirected(Object.keys(directed).filter((row) => !ofSemaphores.includes(row))));
onGo(["v0.23.0 with x/rate"], playsDirected(ofSemaphores));
// The oldest leaves more of a trimmed task.
onGo(["v0.24.1"], playsDirected(["Trimmed locks"]));

onGo(goVersions, (test, file) => {
  for (const fixedDelay of [true, false]) {
    const what = fixedDelay ? "random histories" : "random histories with Asynq's own retry delays";
    test(`${what} leave the same keyspace after each move`, { timeout }, async ({ goVersion }) => {
      const count = Math.ceil(Number(histories) * share[goVersion]! * (fixedDelay ? 1 : 0.1));
      const exceptionsBefore = new Map(use.used);
      const played = await playHistories({
        ...{ version: goVersion, file, exceptions: use, fixedDelay, count, lanes, redisUrl: redis.url, firstDatabase: 0 },
        ...{ seed: Number(seed), path },
      });
      const uses = [...use.used].flatMap(([row, times]) => {
        const since = times - (exceptionsBefore.get(row) ?? 0);
        return since > 0 ? [`${row} ${since}`] : [];
      });
      console.log(
        `keyspace on ${goVersion}: ${what}: ${played.histories} histories, ${played.moves} moves, seed ${seed}, ${played.crossed} across a second, ` +
          `${played.begunAnew} begun anew; exceptions used: ${uses.join(", ")}`,
      );
    });
  }
});

afterAll(() => {
  console.log(`keyspace: exceptions used in all: ${[...use.used].map(([row, times]) => `${row} ${times}`).join(", ")}`);
});
