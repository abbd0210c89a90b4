/**
 * The CLIs beside each other, on the same Redis: what Asynq's prints, ours prints, and what either changes the other sees, but for what
 * `cli-cases.ts` lists. What Asynq's printed once is in `golden/cli.json`, so ours is held to it where there is no binary of Asynq's CLI; where
 * there is one (`ASYNQ_CLI`), `npm run interop -- our-cli --record` writes it anew.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "@asynqjs/core";
import type { Redis } from "ioredis";
import { runCli } from "../../packages/cli/test/cli-test.ts";
import { test as redisTest } from "../support/redis-test.ts";
import { changing, differing, looksAfter, type Printed, showing, showingAlike } from "./cli-cases.ts";
import { seedForCli } from "./cli-states.ts";
import { goRedis } from "./go-peer.ts";
import { expect, onGo } from "./interop-test.ts";
import { keepKeyspace } from "./keep-keyspace.ts";

/** What Asynq's printed of what was seeded at `baseMs`. */
interface Golden {
  readonly baseMs: number;
  readonly shown: Readonly<Record<string, Shown>>;
  readonly changed: Readonly<Record<string, Changed>>;
}

/** Errors are on stdout too. */
interface Said {
  readonly code: number;
  readonly lines: readonly string[];
}

/** When it was is said, since much is so long from now. */
interface Shown extends Said {
  readonly atMs: number;
}

/** What each look showed afterwards: the ids in a table of tasks, which is full of times otherwise. */
interface Changed extends Said {
  readonly left: Readonly<Record<string, readonly string[]>>;
}

// Both print times in the zone of the machine, which is to be one with a name of its own.
process.env.TZ = "Europe/Berlin";

const goldenFile = new URL("golden/cli.json", import.meta.url);
const isRecording = process.env.ASYNQJS_RECORD_GOLDEN !== undefined;
/** So long before now all was seeded; what was to wait for less is due. */
const agoMs = 120_000;
/** A whole second, so that what is rounded to seconds changes at the half of one. */
const seededMs = (): number => Math.floor(Date.now() / 1000) * 1000 - agoMs;

const nameOf = (args: readonly string[]): string => args.join(" ");

/** Ours, as if it were that time. */
const ours = (redisUrl: string, atMs: number, args: readonly string[]): Promise<Printed> =>
  runCli(args, { env: { ASYNQ_REDIS_URL: redisUrl }, clock: { ...systemClock, nowMs: () => atMs } });

/** What ours has to print where Asynq's printed that. */
const alike = ({ code, lines }: Said): Printed => ({ code, out: lines.join("\n"), err: "" });

/** Of tasks the ids, none where it is said that there are none. */
const leftIn = ([command]: readonly string[], lines: readonly string[]): readonly string[] =>
  command === "task" ? lines.slice(2, -1).map((line) => line.split(" ")[0]!) : lines;

/** Seeds once, and answers what puts that back. */
async function seedForMany(redis: Redis, baseMs: number): Promise<() => Promise<void>> {
  await seedForCli(redis, baseMs);
  return keepKeyspace(redis);
}

if (isRecording) {
  onGo(["asynq CLI"], (test, file) => {
    test("what Asynq's prints is recorded", async ({ redis, redisUrl }) => {
      const baseMs = seededMs();
      const putBack = await seedForMany(redis, baseMs);
      const shown: Record<string, Shown> = {};
      for (const args of [...showing, ...showingAlike.map(({ args }) => args), ...differing.map(([args]) => args)])
        shown[nameOf(args)] = showByTheirs(file, redisUrl, args);
      const changed: Record<string, Changed> = {};
      for (const { args } of changing) {
        await putBack();
        const said = runTheirs(file, redisUrl, args);
        const looks = looksAfter(args).map((look) => [nameOf(look), leftIn(look, runTheirs(file, redisUrl, look).lines)] as const);
        changed[nameOf(args)] = { ...said, left: Object.fromEntries(looks) };
      }
      writeFileSync(goldenFile, `${JSON.stringify({ baseMs, shown, changed } satisfies Golden, null, 1)}\n`);
    });
  });
}

redisTest("ours prints what Asynq's printed, but for what is listed", async ({ redis, redisUrl }) => {
  const { baseMs, shown } = readGolden();
  await seedForCli(redis, baseMs);

  for (const args of showing) {
    const theirs = shown[nameOf(args)]!;
    expect(await ours(redisUrl, theirs.atMs, args), nameOf(args)).toEqual(alike(theirs));
  }
  for (const { args, read } of showingAlike) {
    const theirs = shown[nameOf(args)]!;
    const { out, ...rest } = await ours(redisUrl, theirs.atMs, args);
    expect({ ...rest, read: read(out) }, nameOf(args)).toEqual({ code: 0, err: "", read: read(theirs.lines.join("\n")) });
  }
  for (const [args, differs] of differing) {
    expect(await ours(redisUrl, baseMs + agoMs, args), nameOf(args)).toEqual(differs);
  }
});

redisTest("what ours changes is then where Asynq's left it", async ({ redis, redisUrl }) => {
  const { baseMs, changed } = readGolden();
  const putBack = await seedForMany(redis, baseMs);

  for (const { args, asks } of changing) {
    await putBack();
    const { left, ...said } = changed[nameOf(args)]!;
    expect(await ours(redisUrl, baseMs + agoMs, confirmed(args, asks)), nameOf(args)).toEqual(alike(said));
    for (const look of looksAfter(args)) {
      const { out } = await ours(redisUrl, baseMs + agoMs, look);
      expect(leftIn(look, out.split("\n")), `${nameOf(args)}, then ${nameOf(look)}`).toEqual(left[nameOf(look)]);
    }
  }
});

onGo(["asynq CLI"], (test, file) => {
  test("both print the same of the same, at the same time", async ({ redis, redisUrl }) => {
    const { shown } = readGolden();
    await seedForCli(redis, seededMs());

    for (const args of showing) {
      const theirs = showByTheirs(file, redisUrl, args);
      expect(await ours(redisUrl, theirs.atMs, args), nameOf(args)).toEqual(alike(theirs));
    }
    for (const { args, read } of showingAlike) {
      const theirs = showByTheirs(file, redisUrl, args);
      const { out, ...rest } = await ours(redisUrl, theirs.atMs, args);
      expect({ ...rest, read: read(out) }, nameOf(args)).toEqual({ code: 0, err: "", read: read(theirs.lines.join("\n")) });
    }
    for (const [args, differs] of differing) {
      const { code, lines } = shown[nameOf(args)]!;
      expect(runTheirs(file, redisUrl, args), nameOf(args)).toEqual({ code, lines });
      expect(await ours(redisUrl, Date.now(), args), nameOf(args)).toEqual(differs);
    }
  });

  test("what Asynq's changes ours shows, and what ours changes Asynq's shows, and it is the same", { timeout: 300_000 }, async ({
    redis,
    redisUrl,
  }) => {
    const baseMs = seededMs();
    const putBack = await seedForMany(redis, baseMs);
    const lookByOurs = (args: readonly string[], atMs: number): Promise<Printed> => ours(redisUrl, atMs, args);

    for (const { args, asks } of changing) {
      await putBack();
      const said = runTheirs(file, redisUrl, args);
      const afterTheirs = await Promise.all(looksAfter(args).map((look) => lookByOurs(look, baseMs)));

      await putBack();
      expect(await ours(redisUrl, Date.now(), confirmed(args, asks)), nameOf(args)).toEqual(alike(said));
      for (const [nth, look] of looksAfter(args).entries()) {
        const what = `${nameOf(args)}, then ${nameOf(look)}`;
        const seenByTheirs = showByTheirs(file, redisUrl, look);
        expect(await lookByOurs(look, seenByTheirs.atMs), what).toEqual(alike(seenByTheirs));
        expect(await lookByOurs(look, baseMs), what).toEqual(afterTheirs[nth]);
      }
    }
  });
});

/** Ours asks before something is lost. */
function confirmed(args: readonly string[], asks = false): readonly string[] {
  return asks ? [...args, "--yes"] : args;
}

function runTheirs(file: string, redisUrl: string, args: readonly string[]): Said {
  const { addr, db } = goRedis(redisUrl);
  const { status, stdout } = spawnSync(file, [...args, "--uri", addr, "--db", String(db)], {
    encoding: "utf8",
    env: { ...process.env, HOME: "/nonexistent", NO_COLOR: "1" },
  });
  return { code: status!, lines: stdout.split("\n") };
}

/** Once more if the half of a second went by meanwhile at which what it rounds to seconds changes. */
function showByTheirs(file: string, redisUrl: string, args: readonly string[]): Shown {
  for (;;) {
    const atMs = Date.now();
    const said = runTheirs(file, redisUrl, args);
    // A millisecond at the very half is on neither side: Go's clock is finer.
    if (Math.ceil((atMs - 500) / 1000) > Math.floor((Date.now() - 500) / 1000)) return { atMs, ...said };
  }
}

function readGolden(): Golden {
  return JSON.parse(readFileSync(goldenFile, "utf8")) as Golden;
}
