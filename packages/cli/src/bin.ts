#!/usr/bin/env node
/** `asynqjs`: see and steer Asynq's queues from a terminal. */
import { homedir } from "node:os";
import { systemClock, systemRandom } from "@asynqjs/core";
import { exitCodes } from "./exit-codes.ts";
import { run } from "./program.ts";
import { outputClosed } from "./surroundings.ts";

const { stdin, stdout, stderr, env } = process;
const stopping = new AbortController();

const stop = (): void => {
  // A second signal finds no listener and ends the process at once.
  process.off("SIGTERM", stop).off("SIGINT", stop);
  stopping.abort();
};
process.on("SIGTERM", stop).on("SIGINT", stop);

// Who reads the output may have had enough of it: `asynqjs queue ls | head -1`.
stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  if (code !== "EPIPE" && !stopping.signal.aborted) {
    stderr.write(`asynqjs: cannot write to stdout: ${code ?? message}\n`);
    process.once("exit", () => {
      process.exitCode ||= exitCodes.failed;
    });
  }
  stopping.abort(outputClosed);
});
stderr.on("error", () => {});

/** Where nobody answers any more, by Ctrl-D or Ctrl-C, the answer is none. */
async function ask(question: string): Promise<string> {
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input: stdin, output: stderr });
  stopping.signal.addEventListener("abort", () => lines.close());
  lines.on("SIGINT", stop);
  const answer = await new Promise<string>((resolve) => {
    lines.on("close", () => resolve("\n"));
    lines.question(question, resolve);
  });
  // Whoever answers ends the line.
  if (answer === "\n") stderr.write(answer);
  lines.close();
  return answer;
}

process.exitCode = await run(process.argv.slice(2), {
  ...{ env, homeDir: homedir(), stdout, stderr, ask, signal: stopping.signal },
  interactive: stdin.isTTY && stderr.isTTY,
  clock: systemClock,
  random: systemRandom,
});
process.off("SIGTERM", stop).off("SIGINT", stop);
