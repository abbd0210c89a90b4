import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Job, JobEvent } from "./job.ts";

const program = fileURLToPath(new URL("vitest-process.ts", import.meta.url));

/** Nothing that is tried takes so long to be told of, even on a machine that is busy. */
const patienceMs = 90_000;
const lookEveryMs = 500;

/** Runs a job in a process of its own and answers all it told. Where nothing comes any more, that ends it. */
export async function runJob(job: Job): Promise<readonly JobEvent[]> {
  const jobFile = `${job.events}.job`;
  writeFileSync(jobFile, JSON.stringify(job));
  writeFileSync(job.events, "");
  const child = spawn(process.execPath, [program], {
    stdio: ["ignore", "ignore", "pipe"],
    // A mutant may hang its Redis: none that others use.
    env: { ...process.env, ASYNQ_REDIS_URL: "", ASYNQJS_MUTANTS_JOB: jobFile, NODE_ENV: "test", VITEST: "true" },
    // A mutant may keep its process from hearing anything: the whole group is ended.
    detached: true,
  });
  const end = (): void => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // it has ended by itself
    }
  };
  process.once("exit", end);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const watch = setInterval(() => {
    if (Date.now() - statSync(job.events).mtimeMs > patienceMs) end();
  }, lookEveryMs);
  await once(child, "close");
  clearInterval(watch);
  process.off("exit", end);
  const lines = readFileSync(job.events, "utf8").split("\n").filter(Boolean);
  if (lines.length === 0) throw new Error(`vitest ran no test: ${said}`);
  return lines.map((line) => JSON.parse(line) as JobEvent);
}
