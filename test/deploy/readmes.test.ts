import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { startRedis } from "../support/redis-server.ts";
import { imagesOfKubernetes, kubernetes, withoutNamespace, wrongIn } from "./check-call.ts";
import { readRecipe } from "./recipe.ts";
import { type Call, type ReadmeRun, readBlocks, runReadme } from "./run-readme.ts";

/** The commands that `deploy/README.md` says are not run as they stand. */
const notRun: readonly string[] = Array.from(
  readRecipe("README.md")
    .split("## What CI does not do")[1]!
    .matchAll(/^\| (`[^|]*`) \|/gm),
).flatMap(([, cell]) => Array.from(cell!.matchAll(/`([^`]+)`/g), ([, command]) => command!));
/** Those of them that a README called. */
const called = new Set<string>();
afterAll(() => {
  // When all ran, not one of them alone.
  if (runs === recipes.length) expect(notRun.filter((command) => !called.has(command))).toEqual([]);
});

const recipes = ["cloudflare", "vercel", "acl", "container", "kubernetes", "systemd"] as const;
let runs = 0;

/** Runs a README, and holds each call that does nothing here against what may not be run, and against the files it names. */
function runAll(recipe: (typeof recipes)[number], options: { readonly redisUrl?: string } = {}): ReadmeRun {
  const run = runReadme(recipe, options);
  onTestFinished(run.remove);
  for (const call of run.calls) {
    const text = [call.program, ...withoutNamespace(call.args)].join(" ");
    const command = notRun.find((words) => text === words || text.startsWith(`${words} `));
    if (command === undefined) {
      expect(
        ["npm install", "redis-cli ACL"].filter((words) => text.startsWith(words)),
        `${text} is neither run nor told of`,
      ).toHaveLength(1);
      continue;
    }
    called.add(command);
    expect(wrongIn(call, run.dir), text).toEqual([]);
  }
  runs++;
  return run;
}

const callsOf = ({ calls }: ReadmeRun, program: string, word = ""): readonly Call[] =>
  calls.filter((call) => call.program === program && call.args.includes(word || call.args[0]!));

describe("each line of a recipe's README", { timeout: 180_000 }, () => {
  test("cloudflare: copies, installs, and bundles each Worker by its own `wrangler deploy`", () => {
    const run = runAll("cloudflare");
    expect(callsOf(run, "npx", "deploy").map(({ args }) => args.at(-1))).toEqual(
      ["enqueue", "cron", "alarm"].map((name) => `${name}/wrangler.jsonc`),
    );
    expect(existsSync(path.join(run.dir, "my-workers/node_modules/@asynqjs/client-edge"))).toBe(true);
  });

  test("vercel: copies, installs, and draws secrets that its caller is shown", () => {
    const run = runAll("vercel");
    expect(existsSync(path.join(run.dir, "my-functions/node_modules/@asynqjs/cron-fn"))).toBe(true);
    expect(callsOf(run, "vercel", "add")).toHaveLength(4);
  });

  test("acl: makes a user of each file, whom a Redis lets in", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const run = runAll("acl", { redisUrl: server.url });
    const dir = path.join(run.dir, "deploy/acl");
    const withFile = await startRedis({ args: ["--aclfile", path.join(dir, "users.acl")] });
    onTestFinished(() => withFile.stop());
    const parts = globSync("*.acl", { cwd: dir }).filter((file) => file !== "users.acl");
    const logins = parts.map((file) => [path.basename(file, ".acl"), withFile.url] as const);
    for (const [part, url] of [...logins, ["edge", server.url] as const]) {
      const file = path.join(dir, `${part}.password`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const user = new Redis(url, { lazyConnect: true, enableReadyCheck: false, protocol: 2 });
      user.on("error", () => {});
      expect(await user.call("AUTH", `asynqjs-${part}`, readFileSync(file, "utf8").trim()), part).toBe("OK");
      user.disconnect();
    }
  });

  test("container: makes the secrets that compose.yaml mounts", () => {
    const run = runAll("container");
    expect(run.output).toMatch(/^[0-9a-f]{64} enqueue critical default$/m);
    expect(callsOf(run, "docker")).toHaveLength(2);
  });

  test("kubernetes: builds and pushes each image that asynqjs.yaml runs, and makes each secret that it mounts", () => {
    const run = runAll("kubernetes");
    for (const verb of ["build", "push"])
      expect(new Set(callsOf(run, "docker", verb).flatMap(({ args }) => args.filter((word) => word.startsWith("registry."))))).toEqual(
        imagesOfKubernetes,
      );
    const made = callsOf(run, "kubectl", "generic").map(({ args }) => args[args.indexOf("generic") + 1]);
    expect(made.sort()).toEqual(Array.from(kubernetes.matchAll(/secretName: ([\w-]+)/g), ([, name]) => name).sort());
    const files = callsOf(run, "kubectl", "generic").flatMap(({ args }) => args.filter((word) => word.startsWith("--from-file=")));
    const read = new Set(Array.from(kubernetes.matchAll(/\/run\/secrets\/asynqjs\/([\w-]+)/g), ([, name]) => name));
    expect(new Set(files.map((word) => path.basename(word)))).toEqual(read);
  });

  test("systemd: installs the programs, writes what the units load, and copies every unit", () => {
    const run = runAll("systemd");
    for (const name of ["worker", "gateway"])
      expect(existsSync(path.join(run.dir, "opt/asynqjs", name, "node_modules/@asynqjs"))).toBe(true);
    const units = globSync("asynqjs-*", { cwd: path.join(run.dir, "etc/systemd/system") });
    for (const unit of units)
      for (const [, file] of readFileSync(path.join(run.dir, "etc/systemd/system", unit), "utf8").matchAll(
        /^LoadCredential=\S+?:\/(\S+)$/gm,
      ))
        expect(statSync(path.join(run.dir, file!)).mode & 0o777, file).toBe(0o600);
    const [probe] = callsOf(run, "curl");
    expect(readRecipe("systemd/asynqjs-worker.service")).toContain("HEALTH_HOST=127.0.0.1 HEALTH_PORT=8080");
    expect(probe!.args.at(-1)).toBe("http://127.0.0.1:8080/readyz");
  });
});

test("the crontab of deploy/README.md runs the ticks", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const [, line] = /^\* \* \* \* \* {2}asynqjs-cron (.*)$/m.exec(readRecipe("README.md"))!;
  const bin = fileURLToPath(new URL("../../packages/cron-fn/src/bin.ts", import.meta.url));
  const words = line!.replace("redis://redis.internal:6379", server.url).split(" ");
  const { status, stdout } = spawnSync(process.execPath, [bin, ...words], { encoding: "utf8" });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ failed: [], more: false });
});

test("every README of deploy is run: a folder of a recipe, a block of commands", () => {
  const withBlocks = globSync("*/README.md", { cwd: fileURLToPath(new URL("../../deploy", import.meta.url)) }).filter(
    (file) => readBlocks(readRecipe(file)).length > 0,
  );
  expect(withBlocks.map((file) => path.dirname(file)).sort()).toEqual([...recipes].sort());
});
