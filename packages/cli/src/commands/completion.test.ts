import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, runCli, test } from "../../test/cli-test.ts";

function newFolder(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-completion-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** What a real bash offers at the end of a command line. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const { out } = await runCli(["completion", "bash"]);
  const dir = newFolder();
  writeFileSync(path.join(dir, "asynqjs.bash"), out);
  writeFileSync(path.join(dir, "config.yaml"), "");
  const script = `source ./asynqjs.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _asynqjs; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["-uc", script, "bash", "asynqjs", ...words], { cwd: dir, encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout.trim() === "" ? [] : stdout.trim().split("\n");
}

describe("completion bash", () => {
  test.for<[line: string, words: string[], offers: string[]]>([
    ["a command", ["que"], ["queue"]],
    ["a subcommand and its aliases", ["queue", "r"], ["resume", "remove", "rm"]],
    ["nothing below a command that has none", ["queue", "list", ""], []],
    ["a flag", ["queue", "rm", "--fo"], ["--force"]],
    ["a flag of every command", ["queue", "rm", "--cluster_"], ["--cluster_addrs"]],
    ["what follows a flag with its value", ["-u", "queue", "cron", "hi"], ["history"]],
    ["what follows a flag with its value behind a sign", ["--uri", "=", "queue", "cron", "hi"], ["history"]],
    ["a value out of some", ["cron", "add", "--overlap", ""], ["allow", "skip"]],
    ["a value out of some behind a sign", ["cron", "add", "--overlap", "=", "s"], ["skip"]],
    ["no value that nobody knows", ["queue", "ls", "--uri", "q"], []],
    ["a file", ["--config", "conf"], ["config.yaml"]],
    ["an argument out of some", ["tick", "rec"], ["recover"]],
    ["a shell", ["completion", ""], ["bash", "zsh", "fish"]],
  ])("offers %s", async ([, words, offers]) => {
    expect(await offered(...words)).toEqual(offers);
  });
});

test("completion zsh and fish know every command, and take its words as they are", async () => {
  for (const shell of ["zsh", "fish"]) {
    const { code, out } = await runCli(["completion", shell]);
    expect(code).toBe(0);
    for (const known of ["asynqjs queue remove", "--tls_server", "'Redis database number", "cluster_addrs"].map((word) =>
      word.replace(/^'?--/, ""),
    ))
      expect(out.toLowerCase()).toContain(known.toLowerCase().replace(/^'/, ""));
    // A quote in what is said of a flag ends nothing.
    expect(out).toMatch(shell === "zsh" ? /asynqjs'\\'' gateway/ : /asynqjs\\' gateway/);
  }
});

/** Whether the machine has this shell. */
const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** The script, then these lines, run by that shell with none of its user's settings. */
async function runIn(shell: "fish" | "zsh", flag: string, before: string, after: string): Promise<string> {
  const { out } = await runCli(["completion", shell]);
  const script = path.join(newFolder(), "script");
  writeFileSync(
    script,
    `${before}
${out}
${after}
`,
  );
  const { stdout, stderr, status } = spawnSync(shell, [flag, script], { encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}

test.skipIf(!has("fish"))("fish offers commands, flags and values", async () => {
  const lines = ["queue re", "-u queue cron hi", "cron add --overlap ", "queue rm --fo", "queue ls --cluster_", "tick rec"];
  const shown = await runIn("fish", "--no-config", "", lines.map((line) => `complete -C 'asynqjs ${line}'; echo`).join("\n"));
  expect(
    shown
      .replaceAll(/\t.*/g, "")
      .split("\n\n")
      .map((offers) => offers.split("\n").filter(Boolean)),
  ).toEqual([["remove", "resume"], ["history"], ["allow", "skip"], ["--force"], ["--cluster_addrs"], ["recover"], []]);
});

test.skipIf(!has("zsh"))("zsh takes the script", async () => {
  expect(await runIn("zsh", "-f", "autoload -U compinit && compinit -D -u", 'print -r -- "$_comps[asynqjs]"')).toBe("_asynqjs\n");
});

test("completion refuses another shell", async () => {
  expect(await runCli(["completion", "tcsh"])).toMatchObject({
    code: 2,
    out: "",
    err: expect.stringContaining("Allowed choices are bash, zsh, fish"),
  });
});
