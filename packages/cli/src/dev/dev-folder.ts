import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The folder in the project that is ours, and that git passes over. */
export function devFolder(cwd: string): string {
  const folder = path.join(cwd, ".asynqjs");
  mkdirSync(folder, { recursive: true });
  const ignore = path.join(folder, ".gitignore");
  if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
  return folder;
}

/** The gateway's token for this project: drawn once, so that it may be written where a platform's own tools look for it. */
export function devToken(cwd: string): string {
  const file = path.join(devFolder(cwd), "token");
  const drawn = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  if (drawn !== "") return drawn;
  const token = randomBytes(24).toString("base64url");
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}
