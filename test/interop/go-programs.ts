import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The versions of Asynq's library that the suites run against. */
export const goVersions = ["v0.24.1", "v0.25.1", "v0.26.0"] as const;
/** `x/rate` asks for the Redis client of an older one, which is the last that has it. */
export type GoVersion = (typeof goVersions)[number] | "v0.23.0 with x/rate";

/** `v0.26.0` is our peer program linked with that version of the library; the others are Asynq's own tools. */
export type GoProgram = GoVersion | "asynq CLI" | "asynqmon";

/** Where a program is, or why there is none, and whether it could have been built here. */
export type BuiltProgram = { readonly file: string } | { readonly missing: string; readonly isElsewhere?: boolean };
export type BuiltPrograms = Readonly<Record<GoProgram, BuiltProgram>>;

interface Build {
  /** The folder of its module, and the module file in it. */
  readonly folder: string;
  readonly modFile: string;
  readonly target: string;
  readonly tags?: string;
}

type BuildName = Exclude<GoProgram, "asynq CLI">;

const builds: Readonly<Record<BuildName, Build>> = {
  "v0.26.0": { folder: "peer", modFile: "go.mod", target: ".", tags: "headers,revoke" },
  "v0.25.1": { folder: "peer", modFile: "v0.25.1.mod", target: ".", tags: "revoke" },
  "v0.24.1": { folder: "peer", modFile: "v0.24.1.mod", target: "." },
  "v0.23.0 with x/rate": { folder: "peer", modFile: "v0.23.0.mod", target: ".", tags: "rate" },
  asynqmon: { folder: "asynqmon", modFile: "go.mod", target: "github.com/hibiken/asynqmon/cmd/asynqmon" },
};

const here = fileURLToPath(new URL(".", import.meta.url));
const home = fileURLToPath(new URL("../../.tools/interop", import.meta.url));

/** Builds every Go program, as {@link buildGoProgram} does, and looks for Asynq's CLI. */
export function buildGoPrograms(onBuilt: (name: GoProgram, ms: number) => void): BuiltPrograms {
  const built = Object.keys(builds).map((name) => [name, buildGoProgram(name as BuildName, onBuilt)]);
  return { ...Object.fromEntries(built), "asynq CLI": findCli() } as BuiltPrograms;
}

/**
 * Builds a Go program that was not built from these sources before, and then tells of it through `onBuilt`. Needs the Go modules in Go's
 * cache or within reach; a missing or too old Go, or modules out of reach, are why a program is missing.
 * @throws {Error} what does not compile
 */
export function buildGoProgram(name: BuildName, onBuilt: (name: GoProgram, ms: number) => void): BuiltProgram {
  const [build, found] = [builds[name], findGo()];
  if ("missing" in found) return found;
  const needed = /^go (\S+)/m.exec(readFileSync(path.join(here, build.folder, build.modFile), "utf8"))![1]!;
  if (isOlder(found.version, needed)) return { missing: `needs Go ${needed}, this is ${found.version}` };
  return makeProgram(build, name, found.version, onBuilt);
}

/** Asynq's CLI is a module that the Go proxy has in no version, so it cannot be built from there: `ASYNQ_CLI` names one, or the PATH has it. */
function findCli(): BuiltProgram {
  const file = process.env.ASYNQ_CLI ?? "asynq";
  const { status, error } = spawnSync(file, ["--version"], { stdio: "ignore" });
  if (status === 0) return { file };
  return { missing: `${error === undefined ? `${file} does not run` : `no ${file} here`}, and no registry has it`, isElsewhere: true };
}

function findGo(): { readonly version: string } | { readonly missing: string } {
  const asked = go(["env", "GOVERSION"], here);
  if (asked.status !== 0) return { missing: "Go is not installed" };
  return { version: asked.stdout.trim().replace(/^go/, "").split(/[ -]/)[0]! };
}

function makeProgram(build: Build, name: GoProgram, goVersion: string, onBuilt: (name: GoProgram, ms: number) => void): BuiltProgram {
  const folder = path.join(here, build.folder);
  const file = path.join(home, `${name.replaceAll(/[ /]/g, "-")}-${hashOf(folder, build, goVersion)}`);
  if (existsSync(file)) return { file };
  const startMs = performance.now();
  const options = [`-modfile=${build.modFile}`, ...(build.tags === undefined ? [] : [`-tags=${build.tags}`])];
  const listed = go(["list", "-deps", ...options, build.target], folder);
  if (listed.status !== 0) return { missing: `its modules cannot be loaded: ${lastLine(listed.stderr)}` };
  mkdirSync(home, { recursive: true });
  const made = `${file}.${process.pid}`;
  const built = go(["build", ...options, "-o", made, build.target], folder);
  if (built.status !== 0) throw new Error(`${name} does not compile:\n${built.stderr}`);
  for (const old of globSync(`${name.replaceAll(/[ /]/g, "-")}-*`, { cwd: home })) {
    if (path.join(home, old) !== made) rmSync(path.join(home, old));
  }
  renameSync(made, file);
  onBuilt(name, performance.now() - startMs);
  return { file };
}

/** A Go of another version is not fetched behind our back. */
function go(args: readonly string[], cwd: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const env = { ...process.env, GOTOOLCHAIN: "local", GOWORK: "off", CGO_ENABLED: "0" };
  return spawnSync("go", args, { cwd, env, encoding: "utf8", maxBuffer: 2 ** 26 });
}

function hashOf(folder: string, build: Build, goVersion: string): string {
  const hash = createHash("sha256").update(JSON.stringify([build, goVersion]));
  for (const file of globSync("**/*.{go,mod,sum}", { cwd: folder }).sort())
    hash.update(`\0${file}\0${readFileSync(path.join(folder, file))}`);
  return hash.digest("hex").slice(0, 16);
}

function isOlder(version: string, needed: string): boolean {
  const [has, wants] = [version, needed].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0));
  const differs = wants!.findIndex((part, i) => (has![i] ?? 0) !== part);
  return differs !== -1 && (has![differs] ?? 0) < wants![differs]!;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) || "it said nothing";
}
