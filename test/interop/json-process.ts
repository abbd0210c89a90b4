import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A process that prints a line of JSON for each thing it has to tell, and ends when its stdin does, so with us at the latest. */
export class JsonProcess<Line> {
  /** All it told so far. */
  readonly lines: Line[] = [];
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #waiting = new Set<() => void>();
  #complaints = "";
  #ended = false;

  constructor(file: string, args: readonly string[]) {
    this.#child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdin!.on("error", () => {});
    this.#child.stderr!.on("data", (data) => {
      this.#complaints += data;
    });
    const told = createInterface({ input: this.#child.stdout! });
    told.on("line", (line) => {
      this.lines.push(JSON.parse(line));
      this.#wake();
    });
    this.#gone = Promise.all([once(this.#child, "close").catch((error) => this.#complain(error)), once(told, "close")]).then(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  send(line: unknown): void {
    this.#child.stdin!.write(`${JSON.stringify(line)}\n`);
  }

  /**
   * The first line from `since` on that is looked for, told already or to come.
   * @throws {Error} it ended without telling it
   */
  async told(looksFor: (line: Line) => boolean, since = 0): Promise<Line> {
    for (let at = since; ; ) {
      for (; at < this.lines.length; at++) if (looksFor(this.lines[at]!)) return this.lines[at]!;
      if (this.#ended) throw new Error(`the process ended: ${this.#complaints.trim() || "it said nothing"}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Freezes it (SIGSTOP), or lets it go on (SIGCONT). */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Ends it and waits until all it told was read. May be repeated. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#child.kill(signal);
    await this.#gone;
  }

  #complain(error: unknown): void {
    this.#complaints += error;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
