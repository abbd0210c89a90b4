import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import path from "node:path";
import { machineMs } from "./machine-ms.ts";

/** What a worker tells of itself and of its runs. */
export interface RunEvent {
  /** On the clock of {@link machineMs}. */
  readonly atMs: number;
  readonly worker: string;
  /**
   * `start`, `end` and `fail` of a run; ours also `lost`: its signal aborted, `why`; `refused`: its outcome came too late; `unwritten`: Redis
   * did not answer it while the lease lasted.
   */
  readonly event: "ready" | "start" | "end" | "fail" | "lost" | "refused" | "unwritten";
  readonly id?: string | undefined;
  readonly queue?: string | undefined;
  readonly retried?: number | undefined;
  readonly why?: string | undefined;
}

export interface WorkerCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** What a worker tells late has to do with what it was put through; what it has not told by then it will not tell. */
const mostMs = 150_000;

/** A worker in a process of its own, ours or Go's, that can be killed and frozen. What it tells and logs goes into files, so nothing is lost with it. */
export class WorkerProcess {
  readonly name: string;
  /** All that was read of its events. */
  readonly events: RunEvent[] = [];
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #told: number;
  readonly #gone: Promise<unknown>;
  #at = 0;
  #rest = "";
  #closed = false;

  /** Its events go to `<name>.events` in `dir`, its log to `<name>.log`. */
  constructor(dir: string, name: string, { file, args }: WorkerCommand) {
    this.name = name;
    const events = path.join(dir, `${name}.events`);
    this.#log = path.join(dir, `${name}.log`);
    const [out, log] = [openSync(events, "a"), openSync(this.#log, "a")];
    this.#child = spawn(file, args, { stdio: ["pipe", out, log] });
    this.#child.stdin!.on("error", () => {});
    this.#gone = once(this.#child, "exit");
    closeSync(out);
    closeSync(log);
    this.#told = openSync(events, "r");
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Whether it has ended, however. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when it takes tasks. @throws {Error} it ended before that, or did not come to it */
  async ready(): Promise<this> {
    await this.tells(({ event }) => event === "ready");
    return this;
  }

  /** Waits until it tells what is looked for, or has told it. @throws {Error} it ended without, or did not tell it for long; with the end of its log */
  async tells(looksFor: (event: RunEvent) => boolean): Promise<RunEvent> {
    const sinceMs = performance.now();
    for (let at = 0; ; ) {
      const ended = this.ended;
      this.read();
      for (; at < this.events.length; at++) if (looksFor(this.events[at]!)) return this.events[at]!;
      const how = ended ? `ended: ${this.#child.signalCode ?? `exit ${this.#child.exitCode}`}` : "goes on";
      if (ended || performance.now() - sinceMs > mostMs)
        throw new Error(`${this.name} did not tell ${looksFor}, and ${how}\n${readFileSync(this.#log, "utf8").slice(-2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Reads what it told since. */
  read(): void {
    if (this.#closed) return;
    // A Go process tells by the wall's clock.
    const offsetMs = Date.now() - machineMs();
    for (const buffer = Buffer.alloc(2 ** 16); ; ) {
      const length = readSync(this.#told, buffer, 0, buffer.length, this.#at);
      if (length === 0) break;
      this.#at += length;
      const lines = (this.#rest + buffer.toString("latin1", 0, length)).split("\n");
      this.#rest = lines.pop()!;
      for (const line of lines) {
        const { unixMs, ...event } = JSON.parse(line) as RunEvent & { unixMs?: number };
        this.events.push({ ...event, worker: this.name, atMs: unixMs === undefined ? (event.atMs ?? machineMs()) : unixMs - offsetMs });
      }
    }
  }

  /** Runs that began and did not end, as far as it told, by `queue id`. */
  running(): Map<string, RunEvent> {
    this.read();
    const running = new Map<string, RunEvent>();
    for (const event of this.events) {
      const key = `${event.queue} ${event.id}`;
      if (event.event === "start") running.set(key, event);
      if (event.event === "end" || event.event === "fail") running.delete(key);
    }
    return running;
  }

  /** A signal that does not end it: `SIGSTOP` and `SIGCONT`. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Ends it and waits until it is gone; reads what it told to the end. May be repeated. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.#child.kill(signal);
    await this.#gone;
    this.read();
  }

  /** Closes its events; nothing can be read any more. */
  close(): void {
    this.#closed = true;
    closeSync(this.#told);
  }
}
