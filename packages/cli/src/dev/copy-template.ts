import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CliError, exitCodes } from "../exit-codes.ts";

/** The projects that there are to begin with. */
export const templates = ["node", "cloudflare", "vercel"] as const;
export type TemplateName = (typeof templates)[number];

/** Of the package, whether it runs as it was built or as it is written. */
const folderOfAll = ["../templates/", "../../templates/"]
  .map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
  .find((folder) => existsSync(folder));

/**
 * Makes a project of a template in a folder that is not there, or has nothing in it but a repository that was just begun. It is made beside
 * the folder and put there when it is whole.
 * @throws {CliError} there is something in the folder, or it cannot be written; nothing was
 */
export function copyTemplate(template: TemplateName, target: string): void {
  const folder = path.resolve(target);
  if (existsSync(folder) && !isEmpty(folder))
    throw new CliError(exitCodes.conflict, `${target} is no empty folder: name one that is, or that is not there yet; nothing was written`);
  let made: string | undefined;
  try {
    mkdirSync(path.dirname(folder), { recursive: true });
    made = mkdtempSync(path.join(path.dirname(folder), ".asynqjs-"));
    cpSync(path.join(folderOfAll!, template), made, { recursive: true });
    // npm packs no file of this name.
    renameSync(path.join(made, "gitignore"), path.join(made, ".gitignore"));
    nameProject(made, template, nameFor(folder));
    put(made, folder);
  } catch (error) {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CliError(exitCodes.failed, `${target} cannot be written (${why}); nothing was`, error);
  }
}

function put(made: string, folder: string): void {
  if (!existsSync(folder)) {
    chmodSync(made, 0o777 & ~process.umask());
    renameSync(made, folder);
    return;
  }
  const moved: string[] = [];
  try {
    for (const name of readdirSync(made)) {
      renameSync(path.join(made, name), path.join(folder, name));
      moved.push(name);
    }
    rmdirSync(made);
  } catch (error) {
    for (const name of moved) rmSync(path.join(folder, name), { recursive: true, force: true });
    throw error;
  }
}

function isEmpty(folder: string): boolean {
  return statSync(folder).isDirectory() && readdirSync(folder).every((name) => name === ".git");
}

/** What npm and wrangler take as a name. */
function nameFor(folder: string): string {
  const name = path
    .basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return name === "" ? "my-app" : name;
}

function nameProject(folder: string, template: TemplateName, name: string): void {
  for (const file of ["package.json", "wrangler.jsonc"]) {
    const whole = path.join(folder, file);
    if (!existsSync(whole)) continue;
    writeFileSync(whole, readFileSync(whole, "utf8").replace(`"name": "${template}"`, `"name": "${name}"`));
  }
}
