import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { expect, send, test, token } from "../test/gateway-test.ts";

const bin = fileURLToPath(new URL("./bin.ts", import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves to the first match in what it printed. */
  readonly prints: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly exit: Promise<number | NodeJS.Signals>;
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH: process.env.PATH }, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream!.on("data", (data) => (output += data));
  const exit = once(child, "close").then(([code, signal]) => code ?? signal);
  const prints = async (pattern: RegExp) => {
    for (;;) {
      const match = pattern.exec(output);
      if (match) return match;
      await Promise.race([once(child.stdout!, "data"), once(child.stderr!, "data"), exit]);
      if (child.exitCode !== null && !pattern.test(output)) throw new Error(`exit ${child.exitCode}: ${output}`);
    }
  };
  return { child, output: () => output, prints, exit };
}

function tokenFile(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-gateway-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = path.join(dir, "tokens");
  writeFileSync(file, `${token}\n`);
  return file;
}

test("SIGTERM lets it answer what is in flight, take nothing new, and exit 0", async ({ held }) => {
  const gateway = run("--redis", held.url, "--token-file", tokenFile(), "--port", "0");
  const [, url] = await gateway.prints(/^asynqjs-gateway listens on (http:\/\/127\.0\.0\.1:\d+)$/m);
  const inFlight = send(url!, "/", '["SET","a","1"]');
  await held.oneWaits();

  gateway.child.kill("SIGTERM");

  const refused = () =>
    new Promise((resolve) => {
      connect(Number(new URL(url!).port), "127.0.0.1", () => resolve("accepted")).on("error", (error) =>
        resolve((error as NodeJS.ErrnoException).code),
      );
    });
  await expect.poll(refused).toBe("ECONNREFUSED");
  await held.release();
  expect(await inFlight).toEqual([200, { result: "OK" }]);
  expect(await gateway.exit).toBe(0);
  expect(gateway.output()).not.toContain(token);
});

test("a second signal ends it at once", async ({ held }) => {
  const gateway = run("--redis", held.url, "--token-file", tokenFile(), "--port", "0");
  const [, url] = await gateway.prints(/listens on (\S+)/);
  const inFlight = send(url!, "/", '["SET","a","1"]').catch(() => "cut off");
  await held.oneWaits();

  gateway.child.kill("SIGTERM");
  await expect.poll(() => fetch(url!).then(String, () => "refused")).toBe("refused");
  gateway.child.kill("SIGTERM");

  expect(await gateway.exit).toBe("SIGTERM");
  expect(await inFlight).toBe("cut off");
});

test("without a token it says so and exits 2", async ({ redisUrl }) => {
  const gateway = run("--redis", redisUrl);
  expect(await gateway.exit).toBe(2);
  expect(gateway.output()).toMatch(/^asynqjs-gateway: invalid --token-file: /);
});

test("on a port that is taken it exits 1", async ({ gateway, redisUrl }) => {
  const second = run("--redis", redisUrl, "--token-file", tokenFile(), "--port", String(gateway.port));
  expect(await second.exit).toBe(1);
  expect(second.output()).toMatch(/EADDRINUSE/);
});

test("a token on the command line is warned of and not printed", async ({ redisUrl }) => {
  const gateway = run("--redis", redisUrl, "--token", token, "--port", "0");
  await gateway.prints(/listens on/);
  gateway.child.kill("SIGINT");

  expect(await gateway.exit).toBe(0);
  expect(gateway.output()).toMatch(/^warn: --token can be read/m);
  expect(gateway.output()).not.toContain(token);
});

test("--help and --version answer and exit 0", async () => {
  const [help, version] = [run("--help"), run("--version")];
  expect([await help.exit, await version.exit]).toEqual([0, 0]);
  expect(help.output()).toMatch(/^Usage: asynqjs-gateway --redis URL/);
  expect(version.output()).toMatch(/^\d+\.\d+\.\d+\n$/);
});
