import { readFileSync } from "node:fs";
import path from "node:path";

/** A project's own name, as its package.json or else its folder has it: whose cron entries its file's are. */
export function projectName(cwd: string): string {
  try {
    const { name } = JSON.parse(readFileSync(path.join(cwd, "package.json"), "utf8"));
    if (typeof name === "string" && name !== "") return name;
  } catch {
    // then the folder's will do
  }
  return path.basename(cwd);
}
