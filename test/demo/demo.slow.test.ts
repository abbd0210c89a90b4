import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { test as base, expect } from "vitest";

// Slow: waits for real processes, wrangler, workerd, Redis and a Node worker, to start, work and end, and for two minutes
// or so of the shop's clock.

const demo = path.join(import.meta.dirname, "../../demo/main.ts");

const test = base.extend<{ outDir: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern
  outDir: async ({}, use) => {
    const dir = await mkdtemp(path.join(tmpdir(), "asynqjs-demo-"));
    await use(dir);
    await rm(dir, { recursive: true, force: true });
  },
});

/** Its own Redis, whatever the test run has. */
const env = { ...process.env, ASYNQ_REDIS_URL: "" };

interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
  /** Its last line, where that is JSON. */
  readonly summary: Readonly<Record<string, number>> | undefined;
}

function start(outDir: string, ...options: string[]): ChildProcess {
  return spawn(process.execPath, [demo, "--out", outDir, ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const [output, errors, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, "exit")]);
  const lines = output.trimEnd().split("\n");
  const last = lines.at(-1)!;
  return { code, lines, errors, summary: last.startsWith("{") ? JSON.parse(last) : undefined };
}

const number = expect.any(Number);

/** What the shop is asked for, and how it should end: one refused upload, two greylisted mails, one letter ordered three times, five reviews. */
const evening = { enqueued: 27, retried: 4, archived: 1, duplicates: 2, aggregated: 5, lost: 0, durationMs: number };

function expectEvening({ code, errors, summary, lines }: Ended, kills: number): void {
  const counted = { processed: number, forwarded: number, recovered: number, fired: number, digests: number };
  expect({ code, errors, summary }).toEqual({ code: 0, errors: "", summary: { ...evening, ...counted } });
  const { processed, forwarded, recovered, fired, digests } = summary!;
  expect(fired).toBeGreaterThan(0);
  expect(digests).toBeGreaterThanOrEqual(2);
  expect(processed).toBe(27 + 4 + fired! - 5 + digests!);
  // Each mail that was sent away twice, a reminder, a letter, and each task that was taken back.
  expect(forwarded).toBeGreaterThanOrEqual(6 + recovered!);
  const held = lines.flatMap((line) => /^! Node worker killed \(SIGKILL\) while it held (\d+) task/.exec(line)?.[1] ?? []);
  expect(held).toHaveLength(kills);
  expect(recovered).toBeGreaterThanOrEqual(held.reduce((sum, count) => sum + Number(count), 0));
}

test("the demo ends by itself, every task done as it should be, all maintenance by the cron Worker and a worker lost on the way", async ({
  outDir,
}) => {
  const run = await ended(start(outDir, "--once"));
  expectEvening(run, 1);
  // A worker that was killed may have left a part of one beside them.
  const made = async (folder: string, ending: string): Promise<number> =>
    (await readdir(path.join(outDir, folder))).filter((file) => file.endsWith(ending)).length;
  const { fired, digests } = run.summary!;
  expect({ thumbnails: await made("thumbnails", ".avif"), mails: await made("mail", ".eml") }).toEqual({
    thumbnails: 15,
    mails: 6 + fired! + digests!,
  });
});

test("nor are tasks lost, or retries charged, when the worker that took over is killed as well", async ({ outDir }) => {
  expectEvening(await ended(start(outDir, "--once", "--kill-worker")), 2);
});

test("a worker that is broken for good fails the demo, which names what is not done", async ({ outDir }) => {
  const { code, errors, summary } = await ended(start(outDir, "--once", "--break-worker"));
  expect(code).toBe(1);
  expect(summary!.lost).toBeGreaterThan(0);
  expect(summary!.lost).toBeLessThanOrEqual(27);
  expect(errors).toMatch(/^demo: the Node worker ended \(SIGKILL\)/);
  expect(errors).toMatch(/^demo: mail:send \S+ of shop-newsletters: is scheduled, should be done and gone$/m);
});

test("a demo that is killed leaves no process behind", async ({ outDir }) => {
  const child = start(outDir, "--once");
  let output = "";
  const parts = await new Promise<RegExpMatchArray>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`ended too early: ${output}`)));
    child.stdout!.on("data", (data) => {
      output += data;
      const found = output.match(/redis:\/\/(?<redis>\S+)[\s\S]*process (?<worker>\d+)[\s\S]*http:\/\/(?<edge>\S+)\/, in workerd/);
      if (found !== null) resolve(found);
    });
  });
  const { redis, worker, edge } = parts.groups!;
  expect(await refuses(`http://${edge}`)).toBe(false);

  child.removeAllListeners("exit");
  child.kill("SIGKILL");

  for (const url of [`http://${redis}`, `http://${edge}`]) await expect.poll(() => refuses(url), { timeout: 10_000 }).toBe(true);
  await expect.poll(() => isGone(Number(worker)), { timeout: 10_000 }).toBe(true);
});

test("an interrupted run has proved nothing and says so by its exit code", async ({ outDir }) => {
  const child = start(outDir, "--once");
  child.stdout!.once("data", () => child.kill("SIGINT"));
  expect((await ended(child)).code).toBe(130);
});

test("a Redis that does not answer is named in one line", async ({ outDir }) => {
  const child = spawn(process.execPath, [demo, "--once", "--out", outDir], {
    env: { ...env, ASYNQ_REDIS_URL: "redis://:secret@127.0.0.1:1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { code, errors } = await ended(child);
  expect({ code, errors }).toEqual({ code: 1, errors: "demo: Redis: no answer from redis://127.0.0.1:1\n" });
});

/** Whether nobody listens. Redis, asked in HTTP, ends the connection: that is an answer. */
async function refuses(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return false;
  } catch (error) {
    return (error as { cause?: { code?: string } }).cause?.code === "ECONNREFUSED";
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  // Ended, and not yet asked about by the init process that inherited it.
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && readFileSync(stat, "utf8").includes(") Z ");
}
