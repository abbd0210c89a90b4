import { type SendHandle, type Serializable, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Guard } from "./guard.ts";

/** A process of ours, with what it starts in turn. */
export interface Child {
  readonly pid: number | undefined;
  /** How it ended, once it has, and nothing that it started is left. */
  readonly gone: Promise<Ending>;
  /** Asks it to end, and kills it and all that it started where it does not in time. Answers whether it had to. May be repeated. */
  stop(withinMs: number): Promise<boolean>;
  /** Ends it and all that it started at once. */
  kill(): void;
}

interface Ending {
  /** As a shell tells it: 128 and its number for a signal. */
  readonly code: number;
  /** In words: `exit 1`, `SIGSEGV`, `it could not be started: …`. */
  readonly how: string;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly guard: Guard;
  /** Whether others need it to end well. */
  readonly last?: boolean | undefined;
  readonly onLine: (line: string, isError: boolean) => void;
  /** Told of what it sends to its parent; without it there is no channel between us. */
  readonly onMessage?: ((message: Serializable, handle: SendHandle) => void) | undefined;
  /** Its standard input is a pipe that ends when it is to end, and with us. */
  readonly tied?: boolean | undefined;
}

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

/** Starts a process in a group of its own: a Ctrl-C at the terminal reaches us alone, and we end each part before what it needs. */
export function startChild(options: ChildOptions): Child {
  const { command, args, cwd, env, guard, last = false, onLine, onMessage, tied = false } = options;
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: [tied ? "pipe" : "ignore", "pipe", "pipe", ...(onMessage ? ["ipc" as const] : [])],
    // Of what a module sends, dates and bytes stay what they are.
    serialization: "advanced",
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) guard.watch(pid, last);
  child.stdin?.on("error", () => {});
  if (onMessage) child.on("message", onMessage);
  for (const [output, isError] of [
    [child.stdout!, false],
    [child.stderr!, true],
  ] as const)
    createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => onLine(line, isError));

  const signalGroup = (signal: NodeJS.Signals): void => {
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // nothing of it is left
    }
  };
  const gone = new Promise<Ending>((resolve) => {
    child.once("error", ({ message }) => {
      if (pid === undefined) resolve({ code: 127, how: `it could not be started: ${message}` });
    });
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (pid !== undefined) guard.forget(pid);
      resolve({ code: code ?? 128 + (signalNumbers[signal!] ?? 0), how: signal ?? `exit ${code}` });
    };
    child.once("exit", (code, signal) => {
      signalGroup("SIGKILL");
      // What it started in a group of its own may hold its output open for ever, and us with it.
      setTimeout(() => {
        child.stdout!.destroy();
        child.stderr!.destroy();
        end(code, signal);
      }, 1_000).unref();
    });
    child.once("close", end);
  });
  const kill = (): void => signalGroup("SIGKILL");
  return {
    pid,
    gone,
    kill,
    async stop(withinMs) {
      let killed = false;
      child.kill("SIGTERM");
      child.stdin?.end();
      const force = setTimeout(() => {
        killed = true;
        kill();
      }, withinMs);
      await gone;
      clearTimeout(force);
      return killed;
    },
  };
}
