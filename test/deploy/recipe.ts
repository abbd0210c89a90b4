import { cpSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { newProject, type Project } from "../pack/project-test.ts";

const deploy: string = fileURLToPath(new URL("../../deploy/", import.meta.url));

/** A file of a recipe as it is in the repository. */
export function readRecipe(file: string): string {
  return readFileSync(path.join(deploy, file), "utf8");
}

/** A recipe as its user has it: copied into an empty folder. */
export function copyRecipe(name: string): Project {
  const project = newProject();
  cpSync(path.join(deploy, name), project.dir, { recursive: true });
  return project;
}

/** The same, with what it needs installed there by npm, from the packed packages; the platform's tools are those of the workspace. */
export function installRecipe(name: string): Project {
  const project = copyRecipe(name);
  const { devDependencies: _, ...manifest } = JSON.parse(readRecipe(`${name}/package.json`));
  project.write("package.json", JSON.stringify(manifest));
  const { status, stdout, stderr } = project.run("npm", "install");
  expect({ status, output: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, output: "" });
  return project;
}
