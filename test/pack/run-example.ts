import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Redis } from "ioredis";
import type { Miniflare } from "miniflare";
import { expect } from "vitest";
import { buildWorker } from "../support/build-worker.ts";
import { token } from "../support/gateway-test.ts";
import { runWorker, type WorkerOptions } from "../support/run-worker.ts";
import type { Project } from "./project-test.ts";
import type { ReadmeBlock } from "./readme-blocks.ts";

/** What is there for the examples of one README. */
export interface Surroundings {
  /** A project in which what stands before the example in its README was done: `npm install` above all. */
  readonly project: Project;
  readonly redis: Redis;
  readonly redisUrl: string;
  /** A gateway in front of that Redis. */
  readonly gatewayUrl: string;
  /** Leaves the example out where the machine lacks what it needs. */
  readonly skip: (why: string) => never;
}

/** Runs a block of a README and says by throwing that it does not do what the README says. */
export type Example = (block: ReadmeBlock, surroundings: Surroundings) => Promise<void>;

interface Changes {
  /** What the example finds around it and its reader has: put before it. */
  readonly prelude?: string;
  /** What its reader does with it: put after it. */
  readonly epilogue?: string;
  /** What is elsewhere here; each has to occur. Where Redis is needs not be said. */
  readonly replace?: Readonly<Record<string, string>>;
}

function textOf({ name, text }: ReadmeBlock, { redisUrl }: Surroundings, { prelude = "", epilogue = "", replace = {} }: Changes): string {
  let changed = text.replaceAll(/redis:\/\/(?:localhost|127\.0\.0\.1):6379(?:\/\d+)?/g, redisUrl);
  for (const [from, to] of Object.entries(replace)) {
    expect(changed, name).toContain(from);
    changed = changed.replaceAll(from, to);
  }
  return [prelude, changed, epilogue].join("\n");
}

/** A block of shell, from its first line to its last; answers what it printed. Whatever it left running ends with it. */
export async function runShell(block: ReadmeBlock, surroundings: Surroundings, changes: Changes = {}): Promise<string> {
  const { dir: cwd, env } = surroundings.project;
  const shell = spawn("sh", ["-ec", textOf(block, surroundings, changes)], {
    cwd,
    env: { ...env, ASYNQ_REDIS_URL: surroundings.redisUrl },
    detached: true,
  });
  const shown = collect(shell);
  const [code] = await once(shell, "exit");
  try {
    process.kill(-shell.pid!, "SIGKILL");
  } catch {
    // Nothing was left.
  }
  expect({ code, output: code === 0 ? "" : shown() }).toEqual({ code: 0, output: "" });
  return shown();
}

/** An example that runs on the system's Node. */
export interface Running {
  /** What it printed up to now. */
  readonly shown: () => string;
  /** Its exit code, after the signal if one is given. */
  ended(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A program in TypeScript, compiled with every strictness, or in CommonJS as it is, started by the system's Node. */
export function startProgram(block: ReadmeBlock, surroundings: Surroundings, changes: Changes & { env?: object } = {}): Running {
  const { project } = surroundings;
  const file = block.name.replace(/\W+/g, "-");
  const text = textOf(block, surroundings, changes);
  if (block.language === "ts") {
    project.write(`${file}.ts`, text);
    expect(project.compile({ lib: ["ES2023"] }, `${file}.ts`)).toBe("");
  } else project.write(`${file}.cjs`, text);
  const program = spawn("node", [`${file}.${block.language === "ts" ? "js" : "cjs"}`], {
    cwd: project.dir,
    env: { ...project.env, ...changes.env },
  });
  const shown = collect(program);
  const exit = once(program, "exit");
  return {
    shown,
    async ended(signal) {
      if (signal !== undefined) program.kill(signal);
      const [code] = await exit;
      return code;
    },
  };
}

/** One request to an example that is a Worker; answers its status and JSON. */
export function askExample(block: ReadmeBlock, surroundings: Surroundings, body: object): Promise<[status: number, answer: unknown]> {
  const { project, gatewayUrl } = surroundings;
  return askWorker(project, textOf(block, surroundings, {}), body, { REDIS_URL: gatewayUrl, REDIS_TOKEN: token });
}

/** The cron trigger of an example that is a Worker, rung once; answers how that went, when what it is to lead to has come. */
export function ringExample(
  block: ReadmeBlock,
  surroundings: Surroundings,
  options: WorkerOptions = {},
  until?: Promise<void>,
): Promise<string> {
  const { project, gatewayUrl } = surroundings;
  const env = { REDIS_URL: gatewayUrl, REDIS_TOKEN: token };
  return withWorker(project, textOf(block, surroundings, {}), env, options, async (worker) => {
    const service = (await worker.getWorker()) as unknown as { scheduled: (options: object) => Promise<{ readonly outcome: string }> };
    const { outcome } = await service.scheduled({ cron: "* * * * *" });
    if (outcome === "ok") await until;
    return outcome;
  });
}

/** An example that is a Worker, with this environment beside Redis, for as long as `use` takes, which is given its URL. */
export function serveExample(
  block: ReadmeBlock,
  surroundings: Surroundings,
  env: Readonly<Record<string, string>>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const { project, gatewayUrl } = surroundings;
  const all = { REDIS_URL: gatewayUrl, REDIS_TOKEN: token, ...env };
  return withWorker(project, textOf(block, surroundings, {}), all, {}, async (worker) => use((await worker.ready).origin));
}

/** Answers the status and JSON of one request to a Worker. */
export function askWorker(
  project: Project,
  text: string,
  body: object,
  env: Readonly<Record<string, string>> = {},
): Promise<[status: number, answer: unknown]> {
  return withWorker(project, text, env, {}, async (worker) => {
    const response = await worker.dispatchFetch("http://worker/", { method: "POST", body: JSON.stringify(body) });
    return [response.status, await response.json()];
  });
}

/** A Worker is run as a deployment would be, in workerd. */
async function withWorker<T>(
  project: Project,
  text: string,
  env: Readonly<Record<string, string>>,
  options: WorkerOptions,
  use: (worker: Miniflare) => Promise<T>,
): Promise<T> {
  const worker = runWorker(await moduleOf(project, text), compatibilityDate, env, options);
  try {
    return await use(worker);
  } finally {
    await worker.dispose();
  }
}

const compatibilityDate = "2026-10-01";
/** The types of the very runtime, which wrangler writes: the same for every Worker of that date and name. */
let runtimeTypes: string | undefined;
/** What is built, by its text: an endpoint has more than one who sends to it. */
const modules = new WeakMap<Project, Map<string, Promise<string>>>();

function moduleOf(project: Project, text: string): Promise<string> {
  const known = modules.get(project) ?? new Map<string, Promise<string>>();
  modules.set(project, known);
  const module = known.get(text) ?? makeModule(project, text);
  known.set(text, module);
  return module;
}

/** Makes the project one of wrangler's, with this Worker: compiled against the types of the runtime, and bundled by wrangler. */
async function makeModule(project: Project, text: string): Promise<string> {
  project.write("src/index.ts", text);
  project.write("wrangler.json", JSON.stringify({ name: "worker", main: "src/index.ts", compatibility_date: compatibilityDate }));
  const types = "worker-configuration.d.ts";
  if (runtimeTypes === undefined) {
    expect(project.runTool("wrangler", "types").status).toBe(0);
    runtimeTypes = readFileSync(path.join(project.dir, types), "utf8");
  }
  project.write(types, runtimeTypes);
  const bundled = { module: "ES2022", moduleResolution: "Bundler", lib: ["ES2023"], types: [], noEmit: true };
  expect(project.compile(bundled, types, "src/index.ts")).toBe("");
  return buildWorker(path.join(project.dir, "src/index.ts"), compatibilityDate);
}

function collect({ stdout, stderr }: ChildProcess): () => string {
  let text = "";
  for (const stream of [stdout!, stderr!])
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  return () => text;
}
