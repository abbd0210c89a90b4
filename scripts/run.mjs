// Runs CMD ARGS at the top of the workspace with everything installed: pnpm, a newer Node where the system's is too old, and the packages.
// Plain JavaScript: it is the one file that the system's own Node, from 20 on, must be able to read.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const pnpmVersion = "12.21.0";
const nodeVersion = "26.10.0";

const root = fileURLToPath(new URL("..", import.meta.url));
const tools = path.join(root, ".tools");
const modules = path.join(root, "node_modules");
const env = cleanEnv();

const [command, ...args] = process.argv.slice(2);
if (command === undefined) fail("usage: node scripts/run.mjs COMMAND [ARGUMENTS]");
if (Number(process.versions.node.split(".")[0]) < 20) fail(`needs Node.js 20 or later, this is ${process.version}`);
if (!toolsStand() || !packagesStand()) {
  alone(() => {
    if (!toolsStand()) fetchTools();
    if (!packagesStand()) installPackages();
  });
}
run(command, args);

/** The system's Node runs TypeScript as it is from 22.18 and 24 on; odd releases are not supported by our tools. */
function neededTools() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const fits = (major === 22 && minor >= 18) || (major >= 24 && major % 2 === 0);
  return [`pnpm@${pnpmVersion}`, ...(fits ? [] : [`node@${nodeVersion}`])];
}

function toolsStamp() {
  return `${neededTools().join(" ")} ${process.platform}-${process.arch}\n`;
}

function toolsStand() {
  return textOf(path.join(tools, "stamp")) === toolsStamp() && existsSync(path.join(tools, "node_modules/.bin/pnpm"));
}

function fetchTools() {
  const startMs = Date.now();
  writeFileSync(path.join(tools, "package.json"), '{"private":true}');
  const quiet = ["--no-save", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  step("npm", ["install", ...quiet, ...neededTools()], tools, "needs npm, which comes with Node.js: install Node.js 20 or later with it");
  writeFileSync(path.join(tools, "stamp"), toolsStamp());
  say(`fetched ${neededTools().join(", ").replaceAll("@", " ")} into .tools`, startMs);
}

/** What node_modules is made of: changes of it, or a moved checkout, call for another install. */
function packagesStamp() {
  const hash = createHash("sha256").update(root).update(process.platform).update(process.arch);
  for (const file of [
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    ".npmrc",
    ...workspaceFolders().map((dir) => path.join(dir, "package.json")),
  ])
    hash.update(`\0${file}\0${textOf(path.join(root, file))}`);
  return hash.digest("hex");
}

function packagesStand() {
  return (
    textOf(path.join(modules, ".stamp")) === packagesStamp() &&
    workspaceFolders().every((dir) => existsSync(path.join(root, dir, "node_modules")) || !hasDependencies(dir))
  );
}

function workspaceFolders() {
  const packages = readdirSync(path.join(root, "packages")).map((name) => `packages/${name}`);
  return [".", "demo", "test", "test/bench", ...packages.sort()].filter((dir) => existsSync(path.join(root, dir, "package.json")));
}

function hasDependencies(dir) {
  const { dependencies, devDependencies } = JSON.parse(textOf(path.join(root, dir, "package.json")));
  return Object.keys({ ...dependencies, ...devDependencies }).length > 0;
}

function installPackages() {
  const startMs = Date.now();
  const lock = process.env.CI ? "--frozen-lockfile" : "--prefer-frozen-lockfile";
  step("pnpm", ["install", lock, "--reporter=append-only", "--loglevel=warn"], root, "cannot run pnpm: remove .tools and try again");
  writeFileSync(path.join(modules, ".stamp"), packagesStamp());
  say("installed the packages of pnpm-lock.yaml into node_modules", startMs);
}

/** Runs a part of the set-up; what it prints is kept only if it fails. */
function step(name, arguments_, cwd, whenMissing) {
  const done = spawnSync(name, arguments_, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (done.error) fail(done.error.code === "ENOENT" ? whenMissing : done.error.message);
  if (done.status === 0) return;
  const log = path.join(tools, "failure.log");
  writeFileSync(log, `${done.stdout}${done.stderr}`);
  const how = done.signal ?? `exit ${done.status}`;
  fail(`${name} ${arguments_[0]} failed (${how}): is the npm registry within reach? what it said is in ${path.relative(root, log)}`);
}

/** One set-up at a time: two commands may be started at once. */
function alone(work) {
  mkdirSync(tools, { recursive: true });
  const lock = path.join(tools, "lock");
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (!isAlive(Number(textOf(lock)))) rmSync(lock, { force: true });
      Atomics.wait(sleeper, 0, 0, 100);
    }
  }
  process.on("exit", () => rmSync(lock, { force: true }));
  work();
  rmSync(lock, { force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Becomes the command as far as its caller can tell: same terminal, signals and way to end. */
function run(name, arguments_) {
  const child = spawn(name, arguments_, { cwd: root, env, stdio: "inherit" });
  child.on("error", (error) => fail(error.code === "ENOENT" ? `no such command: ${name}` : error.message, 127));
  // A Ctrl-C at a terminal reaches the child without us: to hand it on would make it two.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    for (const handled of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(handled);
    process.kill(process.pid, signal);
  });
}

/** npm tells what it runs about itself in `npm_*`, which pnpm would take for settings; only where packages come from is kept. */
function cleanEnv() {
  const kept = { ...process.env };
  for (const name of Object.keys(kept))
    if (/^npm_/i.test(name) && !/^npm_config_(registry|cafile|proxy|https?_proxy|noproxy)$/i.test(name)) delete kept[name];
  const bins = [path.join(modules, ".bin"), path.join(tools, "node_modules/.bin")];
  return {
    ...kept,
    PATH: [...bins, kept.PATH ?? ""].join(path.delimiter),
    ASYNQJS_SYSTEM_NODE: process.execPath,
    DO_NOT_TRACK: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  };
}

function textOf(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function say(what, startMs) {
  console.error(`asynqjs: ${what} (${((Date.now() - startMs) / 1000).toFixed(1)} s)`);
}

function fail(why, code = 1) {
  console.error(`asynqjs: ${why}`);
  process.exit(code);
}
