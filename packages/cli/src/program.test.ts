import { describe, expect, runCli, test } from "../test/cli-test.ts";

describe("asynqjs", () => {
  test("prints help with no command at all, and of a command that has others below it", async () => {
    const whole = await runCli([]);
    expect(whole).toEqual(await runCli(["--help"]));
    expect(whole).toMatchObject({ code: 0, err: "" });
    expect((await runCli(["queue"])).out).toMatch(/^Manage queues\n\nUSAGE\n {2}asynqjs queue <command> \[flags\]\n/i);
  });

  test("says its version by a flag and by a command", async () => {
    const said = await runCli(["--version"]);
    expect(said).toEqual({ code: 0, out: expect.stringMatching(/^asynqjs version \d+\.\d+\.\d+\n$/), err: "" });
    expect(await runCli(["version"])).toEqual(said);
    expect(JSON.parse((await runCli(["version", "--json"])).out)).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });

  test("loads of its commands those that are named, and says the same of each in either way", async () => {
    const rows = (out: string): string[] => out.split("\n").filter((line) => /^ {2}\w+: /.test(line));
    const some = rows((await runCli(["--help"])).out);
    expect(some.length).toBeGreaterThan(8);
    expect(rows((await runCli(["--help", "completion"])).out)).toEqual(some);
  });

  test.for<[args: string, said: string]>([
    ["--version --json", ""],
    ["qeue", "unknown command 'qeue' for \"asynqjs\" (Did you mean queue?); see 'asynqjs --help'"],
    ["queue lst", "unknown command 'lst' for \"asynqjs queue\" (Did you mean one of list, ls?); see 'asynqjs queue --help'"],
    ["queue ls --jsno", "unknown option '--jsno' (Did you mean --json?); see 'asynqjs queue list --help'"],
    ["queue ls one", "too many arguments for 'list'. Expected 0 arguments but got 1; see 'asynqjs queue list --help'"],
    [
      "completion tcsh",
      "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish; see 'asynqjs completion --help'",
    ],
    ["queue rm", "missing required argument 'queue'; see 'asynqjs queue remove --help'"],
    ["queue ls --db", "option '-n, --db <number>' argument missing; see 'asynqjs queue list --help'"],
  ])("asynqjs %s: %s", async ([args, said]) => {
    const { code, err } = await runCli(args.split(" "));
    expect({ code, err }).toEqual(said === "" ? { code: 0, err: "" } : { code: 2, err: `asynqjs: ${said}\n` });
  });
});
