/**
 * Stands in for a program that a README's line calls: notes the call, and does what can be done here. What has to be deployed to, asked of or
 * fetched from elsewhere is only noted.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { Redis } from "ioredis";

const [program, ...args] = process.argv.slice(2) as [string, ...string[]];
const { STAND_IN_CALLS, STAND_IN_REDIS, USER_PATH, TOOLS_PATH } = process.env as Record<string, string>;

// To its end, so that what writes into it is not cut off.
if (program === "vercel") readFileSync(0);
appendFileSync(STAND_IN_CALLS!, `${JSON.stringify({ program, args, cwd: process.cwd() })}\n`);

if (program === "npm") {
  // The platform's tools are those of the workspace.
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync("package.json", "utf8"));
  writeFileSync("package.json", JSON.stringify(manifest));
  run("npm", args, USER_PATH!);
} else if (program === "npx" && args[1] === "deploy") {
  run(args[0]!, ["deploy", "--dry-run", ...args.slice(2)], TOOLS_PATH!);
} else if (program === "redis-cli") {
  const redis = new Redis(STAND_IN_REDIS!, { protocol: 2 });
  console.log(await redis.call(...(args as [string, ...string[]])));
  redis.disconnect();
}

function run(command: string, words: readonly string[], PATH: string): void {
  const { status } = spawnSync(command, words, { env: { ...process.env, PATH }, stdio: ["ignore", "ignore", "inherit"] });
  process.exitCode = status ?? 1;
}
