import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findRedisBinary } from "./redis-binary.ts";

function emptyDir(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-binary-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** A PATH of one folder that holds these executables. */
function pathWith(...names: readonly string[]): string {
  const dir = emptyDir();
  for (const name of names) writeFileSync(path.join(dir, name), "", { mode: 0o755 });
  vi.stubEnv("PATH", dir);
  onTestFinished(() => void vi.unstubAllEnvs());
  return dir;
}

describe("findRedisBinary", () => {
  test("prefers redis-server, then valkey-server, then what Debian's redis-server is", () => {
    let dir = pathWith("redis-check-rdb", "valkey-server", "redis-server");
    expect(findRedisBinary(emptyDir())).toEqual({ file: path.join(dir, "redis-server") });
    dir = pathWith("redis-check-rdb", "valkey-server");
    expect(findRedisBinary(emptyDir())).toEqual({ file: path.join(dir, "valkey-server") });
    dir = pathWith("redis-check-rdb");
    expect(findRedisBinary(emptyDir())).toEqual({ file: path.join(dir, "redis-check-rdb"), argv0: "redis-server" });
  });

  test("passes over a file of that name that cannot be run", () => {
    const dir = pathWith("valkey-server");
    writeFileSync(path.join(dir, "redis-server"), "", { mode: 0o644 });

    expect(findRedisBinary(emptyDir())).toEqual({ file: path.join(dir, "valkey-server") });
  });

  test("says in one line what to install when there is none and nowhere to fetch it from", () => {
    pathWith();
    const hint = process.platform === "darwin" ? "(brew install redis)" : "(redis or valkey, 6.2 or later)";

    expect(() => findRedisBinary(emptyDir())).toThrow(`asynqjs needs a Redis server: set ASYNQ_REDIS_URL, or install one ${hint}`);
  });

  // It needs a network and Debian's package lists, which CI has: there, the machine is made to forget the Redis it may have.
  test.runIf(process.env.CI && process.platform === "linux")("unpacks Debian's package, once", { timeout: 120_000 }, () => {
    const dir = emptyDir();
    const status = readFileSync("/var/lib/dpkg/status", "utf8").split("\n\n");
    const forgotten = /^Package: (redis|redis-server|redis-tools|liblzf1|libjemalloc2)$/m;
    writeFileSync(path.join(dir, "status"), status.filter((entry) => !forgotten.test(entry)).join("\n\n"));
    writeFileSync(path.join(dir, "apt.conf"), `Dir::State::status "${dir}/status";\n`);
    const bin = path.join(dir, "bin");
    // Every command of the machine but Redis.
    spawnSync("sh", [
      "-c",
      `mkdir ${bin} && for f in /usr/bin/* /bin/*; do case $f in */redis*|*/valkey*) ;; *) ln -sf $f ${bin}/ ;; esac; done`,
    ]);
    vi.stubEnv("PATH", bin);
    vi.stubEnv("APT_CONFIG", path.join(dir, "apt.conf"));
    onTestFinished(() => void vi.unstubAllEnvs());
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => said.mockRestore());

    const { file, argv0, env } = findRedisBinary(path.join(dir, "redis"));

    expect(said.mock.calls).toEqual([[expect.stringMatching(/^asynqjs: fetched .*redis-tools.* into \.tools\/redis$/)]]);
    const link = path.join(dir, argv0!);
    symlinkSync(file, link);
    expect(spawnSync(link, ["--version"], { encoding: "utf8", env }).stdout).toMatch(/^Redis server v=[67]/);
    said.mockClear();
    expect(findRedisBinary(path.join(dir, "redis"))).toEqual({ file, argv0, env });
    expect(said).not.toHaveBeenCalled();
  });
});
