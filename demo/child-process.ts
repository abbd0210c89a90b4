import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** A part of the shop that is a process of its own. It ends with us, however we end: it watches the channel between us. */
export interface Child<Ready> {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly ready: Ready;
  /** How it ended, once it has. */
  readonly gone: Promise<string>;
  readonly isGone: boolean;
  /** Sends it a signal; `SIGKILL` is its end, to be awaited by `gone`. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it gracefully, or by force after 10 s. May be repeated. */
  stop(): Promise<void>;
}

export interface ChildOptions<Message> {
  /** The module it runs. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where what it prints goes. */
  readonly logFile: string;
  /** Told of every message but the first, which says that it is ready. */
  readonly onMessage: (message: Message) => void;
  /** Ends it while it starts. */
  readonly signal: AbortSignal;
}

/**
 * Starts a module as a process, and resolves at its first message.
 * @throws {Error} one line: how it ended, and what its log says of it
 */
export async function startChild<Ready, Message = never>(options: ChildOptions<Message>): Promise<Child<Ready>> {
  const { file, env, logFile, onMessage, signal } = options;
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", log, log, "ipc"],
    // A Ctrl-C at the terminal must reach us alone: we end each part before what it needs.
    detached: true,
  });
  closeSync(log);

  let isGone = false;
  const gone = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      isGone = true;
      resolve(how);
    };
    child.once("error", (error) => end(`did not start: ${error.message}`));
    child.once("exit", (code, by) => end(`ended (${by ?? `exit ${code}`})`));
  });
  const ready = new Promise<{ said: Ready }>((resolve) => {
    child.once("message", (said) => {
      resolve({ said: said as Ready });
      child.on("message", (message) => onMessage(message as Message));
    });
  });
  const onAbort = (): void => void child.kill("SIGKILL");
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const first = await Promise.race([ready, gone]);
  signal.removeEventListener("abort", onAbort);
  if (typeof first === "string") throw new Error(`${first}: ${lastWords(logFile)}`);

  return {
    pid: child.pid!,
    ready: first.said,
    gone,
    get isGone() {
      return isGone;
    },
    signal: (by) => void child.kill(by),
    stop: () => stop(child, gone),
  };
}

async function stop(child: ChildProcess, gone: Promise<string>): Promise<void> {
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(force);
}

/** Of an uncaught error its message, which Node's version follows; else the last line. */
function lastWords(file: string): string {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return (lines.findLast((line) => /Error\b.*: /.test(line)) ?? lines.at(-1) ?? "").trim() || "it said nothing";
}
