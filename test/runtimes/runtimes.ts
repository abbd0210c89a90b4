import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { Log, LogLevel, Miniflare } from "miniflare";
import { bundle } from "./bundle.ts";
import type { Answers, Setting } from "./cases.ts";
import { runtimeFile } from "./tools.ts";

/** A runtime, and how the cases run in it. */
export interface Runtime {
  readonly name: string;
  /** The package that has it, if it is to be fetched. */
  readonly needs?: string;
  /** Why it cannot run here, if it cannot. */
  readonly why?: string;
  readonly run: (setting: Setting, installed: string) => Promise<Answers>;
}

/** Our packages are loaded by the runtime itself, as installed. */
function ofProcess(name: string, [file, ...args]: readonly [string, ...string[]]): Pick<Runtime, "name" | "run"> {
  return {
    name,
    async run(setting, installed) {
      const program = path.join(installed, "on-process.mjs");
      writeFileSync(program, await bundle("on-process.ts", { installed, conditions: [], format: undefined }));
      const { stdout } = await promisify(execFile)(file, [...args, program, JSON.stringify(setting)], { cwd: installed, timeout: 60_000 });
      return JSON.parse(stdout.trim().split("\n").at(-1)!) as Answers;
    },
  };
}

/** Without `nodejs_compat`, and not in a test runner's sandbox, which allows what workerd does not. */
function ofWorkerd(compatibilityDate: string): Runtime {
  return {
    name: `workerd as of ${compatibilityDate}`,
    async run(setting, installed) {
      const contents = await bundle("on-worker.ts", { installed, conditions: ["workerd", "worker", "browser"], format: "esm" });
      const manifest = { mainModule: "main.js", modules: { "main.js": { type: "esm" as const, contents } } };
      const miniflare = new Miniflare({
        log: new Log(LogLevel.ERROR),
        handleStructuredLogs: () => {},
        workers: [{ config: { name: "runtimes", compatibilityDate, manifest } }],
      });
      try {
        const response = await miniflare.dispatchFetch("http://worker/", { method: "POST", body: JSON.stringify(setting) });
        return JSON.parse(await response.text()) as Answers;
      } finally {
        await miniflare.dispose();
      }
    },
  };
}

interface EdgeRuntimes {
  readonly EdgeRuntime: new (options: {
    readonly initialCode: string;
  }) => { dispatchFetch(url: string, init: RequestInit): Promise<Response> };
}

const ofEdgeRuntime: Runtime = {
  name: "Vercel's edge-runtime",
  needs: "edge-runtime",
  async run(setting, installed) {
    const { EdgeRuntime } = createRequire(import.meta.url)(runtimeFile("edge-runtime")) as EdgeRuntimes;
    const initialCode = await bundle("on-edge-runtime.ts", { installed, conditions: ["edge-light", "worker", "browser"], format: "iife" });
    const response = await new EdgeRuntime({ initialCode }).dispatchFetch("http://worker/", {
      method: "POST",
      body: JSON.stringify(setting),
    });
    return JSON.parse(await response.text()) as Answers;
  },
};

/** The Node that npm was started with. */
const systemNode = process.env.ASYNQJS_SYSTEM_NODE ?? process.execPath;
const systemVersion = execFileSync(systemNode, ["--version"], { encoding: "utf8" }).trim();

/** The compatibility date that is the newest of the workerd in use, and one that is a year older, when it had neither `process` nor `Buffer`. */
const compatibilityDates = ["2025-10-01", "2026-10-01"] as const;

export const runtimes: readonly Runtime[] = [
  ...compatibilityDates.map(ofWorkerd),
  ofEdgeRuntime,
  { ...ofProcess("Node 20", [systemNode]), ...(systemVersion.startsWith("v20.") ? {} : { why: `the system's Node is ${systemVersion}` }) },
  { ...ofProcess("Node 24", [runtimeFile("node24", "bin/node")]), needs: "node24" },
  { ...ofProcess("Node 26", [runtimeFile("node26", "bin/node")]), needs: "node26" },
  {
    ...ofProcess("Deno", [runtimeFile("deno", "deno"), "run", "--no-prompt", "--allow-net", "--allow-env", "--allow-read"]),
    needs: "deno",
  },
  { ...ofProcess("Bun", [runtimeFile("bun", "bin/bun"), "run"]), needs: "bun" },
];
