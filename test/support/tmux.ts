/** A real terminal that tests type into and look at: a server of tmux, one pane. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** tmux is not everywhere; where `CI` is set it has to be. */
export const hasTmux: boolean = spawnSync("tmux", ["-V"]).status === 0;
if (!hasTmux && process.env.CI) throw new Error("tmux is not installed, and CI skips nothing: see install_tools in .ci/run");
if (!hasTmux) console.warn("the dashboard is not driven: tmux is not installed");

export interface TerminalOptions {
  /** A line of shell; the terminal stays when it ends. */
  readonly command: string;
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Terminal {
  /** Presses keys by tmux's names, `Enter`, `C-c`, or as they are. */
  press(...keys: readonly string[]): Promise<void>;
  type(text: string): Promise<void>;
  /** The lines that are shown, without spaces at their ends. */
  lines(): Promise<string[]>;
  /** The same with the codes of colours and the like. */
  codes(): Promise<string>;
  /** Waits until this is to be seen, and answers the lines then. @throws {Error} shows what was to be seen instead */
  until(sought: string | RegExp | ((screen: string) => boolean)): Promise<string[]>;
  resize(columns: number, rows: number): Promise<void>;
  /** What tmux knows of it: `#{alternate_on}`. */
  ask(format: string): Promise<string>;
  close(): Promise<void>;
}

const patienceMs = 30_000;
let opened = 0;

export async function openTerminal({ command, columns = 80, rows = 24, env = {} }: TerminalOptions): Promise<Terminal> {
  const socket = `asynqjs-${process.pid}-${opened++}`;
  // What tells programs that nobody looks at them is not so here.
  const { CI: _, NO_COLOR: _2, FORCE_COLOR: _3, TMUX: _4, VITEST: _5, NODE_OPTIONS: _6, ...ours } = process.env;
  const tmux = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await exec("tmux", ["-L", socket, "-f", "/dev/null", "-u", ...args], {
      env: { ...ours, LC_ALL: "C.UTF-8", TERM: "xterm-256color", ...env },
    });
    return stdout;
  };
  // The shell ends only with its terminal.
  await tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), `${command}; echo "ended with $?"; exec cat`);
  await tmux("set", "-g", "window-size", "manual");
  const lines = async (): Promise<string[]> => {
    const text = await tmux("capture-pane", "-p");
    return text
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => line.trimEnd());
  };
  return {
    async press(...keys) {
      await tmux("send-keys", ...keys);
    },
    async type(text) {
      await tmux("send-keys", "-l", text);
    },
    lines,
    codes: () => tmux("capture-pane", "-ep"),
    async until(sought) {
      const untilMs = performance.now() + patienceMs;
      for (;;) {
        const seen = await lines();
        const screen = seen.join("\n");
        if (typeof sought === "function" ? sought(screen) : typeof sought === "string" ? screen.includes(sought) : sought.test(screen))
          return seen;
        if (performance.now() > untilMs) throw new Error(`not seen in ${patienceMs / 1000} s: ${String(sought)}; but\n${screen}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    async resize(to, high) {
      await tmux("resize-window", "-x", String(to), "-y", String(high));
    },
    ask: async (format) => (await tmux("display-message", "-p", format)).trim(),
    async close() {
      await tmux("kill-server").catch(() => {});
    },
  };
}
