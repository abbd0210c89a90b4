import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { newProject } from "../pack/project-test.ts";
import { readRecipe } from "./recipe.ts";

/** The programs of READMEs that need more than a machine, or need to be told where this one's parts are. */
const programs = ["npm", "npx", "vercel", "docker", "kubectl", "systemctl", "journalctl", "curl", "redis-cli"] as const;

/** A call of one of them. */
export interface Call {
  readonly program: (typeof programs)[number];
  readonly args: readonly string[];
  /** Where it was called. */
  readonly cwd: string;
}

export interface ReadmeRun {
  /** Where the repository's `deploy` is. */
  readonly dir: string;
  readonly calls: readonly Call[];
  readonly output: string;
  remove(): void;
}

/** The shell blocks of a README, as they stand there. */
export function readBlocks(readme: string): string[] {
  return Array.from(readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm), ([, block]) => block!);
}

/**
 * Runs the shell blocks of a recipe's README from the first line to the last, in a folder that has a copy of `deploy`, with `/opt` and `/etc`
 * below it; what needs an account or a daemon is noted and does nothing. A variable that no line before has set fails.
 * @throws {Error} a line fails
 */
export function runReadme(recipe: string, { redisUrl = "" }: { readonly redisUrl?: string } = {}): ReadmeRun {
  const project = newProject();
  const bin = path.join(project.dir, ".bin");
  const calls = path.join(project.dir, ".calls");
  for (const dir of [".bin", "opt", "etc/systemd/system"]) mkdirSync(path.join(project.dir, dir), { recursive: true });
  const standIn = fileURLToPath(new URL("stand-in.ts", import.meta.url));
  for (const program of programs) {
    writeFileSync(path.join(bin, program), `#!/bin/sh\nexec "${process.execPath}" "${standIn}" ${program} "$@"\n`);
    chmodSync(path.join(bin, program), 0o755);
  }
  writeFileSync(calls, "");
  cpSync(fileURLToPath(new URL("../../deploy", import.meta.url)), path.join(project.dir, "deploy"), {
    recursive: true,
    filter: (file) => path.basename(file) !== "node_modules",
  });
  const blocks = readBlocks(readRecipe(`${recipe}/README.md`)).map((block) =>
    block.replaceAll(/(?<=\s)\/(?=(?:opt|etc)\/)/g, `${project.dir}/`),
  );
  // A recipe's README that begins in its own folder says no `cd`.
  const cwd = recipe === "acl" ? path.join(project.dir, "deploy/acl") : project.dir;
  writeFileSync(path.join(project.dir, ".readme"), blocks.join("\n"));
  const { status, stdout, stderr } = spawnSync("bash", ["-euxo", "pipefail", path.join(project.dir, ".readme")], {
    cwd,
    encoding: "utf8",
    input: "",
    env: {
      ...project.env,
      PATH: [bin, project.env.PATH].join(path.delimiter),
      ...{ STAND_IN_CALLS: calls, STAND_IN_REDIS: redisUrl, USER_PATH: project.env.PATH, TOOLS_PATH: process.env.PATH },
    },
  });
  if (status !== 0) {
    project.remove();
    throw new Error(`deploy/${recipe}/README.md: exit code ${status} after: ${stderr.trimEnd().split("\n").slice(-6).join("\n")}`);
  }
  const lines = readFileSync(calls, "utf8").split("\n").filter(Boolean);
  return { dir: project.dir, calls: lines.map((line) => JSON.parse(line)), output: stdout, remove: project.remove };
}
