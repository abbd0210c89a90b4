import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { fileURLToPath } from "node:url";
import type { Job, JobEvent } from "./job.ts";

const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));

/** Past the time of a try, what cleans up behind a test has so long; and so long may pass where no test runs. */
const graceMs = 10_000;
const betweenTestsMs = 120_000;
const lookEveryMs = 100;

/**
 * Runs tests with a job's mutants in a process of its own, and hands on what it tells. Answers the event after which nothing came, where it
 * ended or had to be ended before its tests were through.
 * @throws {Error} it did not begin, or ended in none of its tests
 */
export async function runVitest(job: Job, filters: readonly string[], onEvent: (event: JobEvent) => void): Promise<JobEvent | undefined> {
  const jobFile = `${job.events}.job`;
  writeFileSync(jobFile, JSON.stringify(job));
  writeFileSync(job.events, "");
  const child = spawn("vitest", ["run", "--config", config, ...filters], {
    stdio: ["ignore", "ignore", "pipe"],
    // A mutant may hang its Redis: none that others use.
    env: { ...process.env, ASYNQ_REDIS_URL: "", ASYNQJS_MUTANTS_JOB: jobFile },
    // A mutant may keep its process from hearing anything: the whole group is ended.
    detached: true,
  });
  const gone = once(child, "close");
  const onExit = (): void => end(child.pid!);
  process.once("exit", onExit);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
  });

  const events = openSync(job.events, "r");
  const read = linesOf(events);
  let last: JobEvent | undefined;
  let heardMs = performance.now();
  for (let isOver = false; !isOver; ) {
    isOver = await Promise.race([gone.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, lookEveryMs, false))]);
    for (const line of read()) {
      last = JSON.parse(line) as JobEvent;
      heardMs = performance.now();
      onEvent(last);
    }
    const patienceMs = last?.event === "try" ? last.limitMs + graceMs : betweenTestsMs;
    if (!isOver && (last?.event === "spoiled" || performance.now() - heardMs > patienceMs)) end(child.pid!);
  }
  process.off("exit", onExit);
  closeSync(events);
  if (last === undefined) throw new Error(`vitest ran no test: ${said}`);
  return last.event === "over" ? undefined : last;
}

function end(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

/** Answers, each time it is asked, the whole lines that were added to a file. */
function linesOf(file: number): () => string[] {
  const buffer = Buffer.alloc(1 << 16);
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return () => {
    for (let read = -1; read !== 0; rest += decoder.write(buffer.subarray(0, read))) read = readSync(file, buffer);
    const lines = rest.split("\n");
    rest = lines.pop()!;
    return lines;
  };
}
