// Bootstraps pinned pnpm (+ Node 24 when the system Node is too old) into .tools, installs, then runs the rest of argv.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url)),
  tools = path.join(root, ".tools"),
  win = process.platform === "win32";
const PNPM = "12.21.0",
  NODE = "26.10.0";
const [maj, min] = process.versions.node.split(".").map(Number);
const old = maj < 22 || (maj === 22 && min < 18) || maj === 23 || maj === 25;
const env = { ...process.env, WRANGLER_SEND_METRICS: "false", DO_NOT_TRACK: "1" };
for (const k of Object.keys(env)) if (/^npm_(config|package|lifecycle)/i.test(k)) delete env[k];
const sh = (cmd, args, cwd = root) => {
  const r = spawnSync(cmd, args, { stdio: "inherit", cwd, env, shell: win });
  if (r.status !== 0) process.exit(r.status ?? 1);
};
const stamp = path.join(tools, `ok-${PNPM}-${old ? NODE : "sys"}`);
if (!existsSync(stamp)) {
  mkdirSync(tools, { recursive: true });
  writeFileSync(path.join(tools, "package.json"), '{"private":true}');
  sh(
    "npm",
    ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", `pnpm@${PNPM}`, ...(old ? [`node@${NODE}`] : [])],
    tools,
  );
  writeFileSync(stamp, "");
}
env.PATH = [path.join(root, "node_modules/.bin"), path.join(tools, "node_modules/.bin"), env.PATH].join(path.delimiter);
sh("pnpm", [
  "install",
  ...(existsSync(path.join(root, "pnpm-lock.yaml")) ? [...(process.env.CI ? ["--frozen-lockfile"] : ["--prefer-frozen-lockfile"])] : []),
  "--reporter=append-only",
  "--loglevel=warn",
]);
const [cmd, ...args] = process.argv.slice(2);
sh(cmd, args);
