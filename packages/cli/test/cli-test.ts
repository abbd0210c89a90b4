/**
 * vitest's `test` with the program beside a real Redis: run in this process, its output caught.
 */
import { systemClock, systemRandom } from "@asynqjs/core";
import type { TestAPI } from "vitest";
import { type RedisFixtures, test as redisTest } from "../../../test/support/redis-test.ts";
import { run } from "../src/program.ts";
import type { Surroundings } from "../src/surroundings.ts";

export { describe, expect, onTestFinished } from "vitest";

/** What a run came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a run has beyond no terminal, no config file, the machine's clock and no environment. */
export interface RunChanges extends Partial<Omit<Surroundings, "ask" | "interactive" | "stdout">> {
  /** Somebody sits there and answers this. */
  readonly answer?: string;
  /** Both outputs are a terminal. */
  readonly isTTY?: boolean;
  /** Is told what is printed, while it is. */
  readonly onOutput?: (text: string) => void;
}

/** Runs one command line that knows of no Redis but what it says itself. */
export async function runCli(args: readonly string[], { answer, isTTY = false, onOutput, ...changes }: RunChanges = {}): Promise<Ran> {
  const said = { out: "", err: "" };
  const into = (name: "out" | "err") => (text: string) => {
    said[name] += text;
    onOutput?.(text);
  };
  const code = await run(args, {
    env: {},
    homeDir: "/nonexistent",
    stdout: { isTTY, write: into("out") },
    stderr: { isTTY, write: into("err") },
    interactive: answer !== undefined,
    async ask(question) {
      into("err")(question);
      return answer ?? "";
    },
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
    ...changes,
  });
  return { code, ...said };
}

export interface CliFixtures {
  /** Runs a command line beside the test's Redis. */
  readonly cli: (...args: readonly string[]) => Promise<Ran>;
  /** The same with something else about it. */
  readonly cliWith: (changes: RunChanges, ...args: readonly string[]) => Promise<Ran>;
}

export const test: TestAPI<RedisFixtures & CliFixtures> = redisTest.extend<CliFixtures>({
  cliWith: ({ redisUrl }, use) =>
    use((changes, ...args) => runCli(args, { ...changes, env: { ASYNQ_REDIS_URL: redisUrl, ...changes.env } })),
  cli: ({ cliWith }, use) => use((...args) => cliWith({}, ...args)),
});
