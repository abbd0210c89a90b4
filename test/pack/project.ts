import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The Node that npm was started with: the packages promise to run on 20, which runs none of our tools. */
const systemNode: string = process.env.ASYNQJS_SYSTEM_NODE ?? process.execPath;
const nodeTypes = fileURLToPath(new URL("../../node_modules/@types", import.meta.url));

/** A user's own folder: nothing is there but what npm puts there. */
export interface Project {
  readonly dir: string;
  /** What a program of the user finds around it: the system's Node first, npm with a cache of this folder's own. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs a command there. */
  run(command: string, ...args: readonly string[]): SpawnSyncReturns<string>;
  /** Runs one of the workspace's tools there, on the Node of the workspace, which may be newer: wrangler wants one. */
  runTool(command: string, ...args: readonly string[]): SpawnSyncReturns<string>;
  write(file: string, text: string): void;
  /**
   * Compiles the files with every strictness, and the packages' own types too, and writes their JavaScript beside them. Answers what the
   * compiler says.
   */
  compile(options: Readonly<Record<string, unknown>>, ...files: readonly string[]): string;
  remove(): void;
}

/** An empty project, whose npm asks this registry. */
export function makeProject(registryUrl: string, manifest: object = { private: true, type: "module" }): Project {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-project-"));
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_|^ASYNQ|^NODE_|^VITEST|^FORCE_COLOR$/i.test(name));
  const env = {
    ...Object.fromEntries(kept),
    PATH: [path.dirname(systemNode), process.env.PATH].join(path.delimiter),
    npm_config_registry: registryUrl,
    npm_config_cache: path.join(dir, ".npm"),
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    NO_COLOR: "1",
  };
  const run = (command: string, ...args: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(command, args, { cwd: dir, env, encoding: "utf8" });
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    writeFileSync(path.join(dir, file), text);
  };
  const runTool: Project["run"] = (command, ...args) =>
    spawnSync(command, args, { cwd: dir, env: { ...env, PATH: process.env.PATH }, encoding: "utf8" });
  write("package.json", JSON.stringify(manifest));
  return {
    dir,
    env,
    run,
    runTool,
    write,
    compile(options, ...files) {
      const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false };
      const compilerOptions = { module: "NodeNext", target: "ES2023", types: ["node"], typeRoots: [nodeTypes], ...strict, ...options };
      write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
      return runTool("tsc", "-p", dir).stdout;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
