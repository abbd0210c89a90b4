import { createHash } from "node:crypto";

/** So many of the last events are kept to be read. */
const keptEvents = 60;

/** What happened, in order: the end of it to be read, all of it as a hash. */
export class Trace {
  /** Told of each event, where somebody wants to read all. */
  readonly #onEvent: ((text: string) => void) | undefined;
  readonly #hash = createHash("sha256");
  readonly #last: string[] = [];

  constructor(onEvent?: (text: string) => void) {
    this.#onEvent = onEvent;
  }

  /** Notes an event before it happens, so that a fault found while it does finds it there. */
  begin(step: number, nowMs: number, what: string): void {
    this.#tell();
    this.#last.push(`${String(step).padStart(6)} ${(nowMs / 1000).toFixed(3).padStart(9)} s  ${what}`);
    if (this.#last.length > keptEvents) this.#last.shift();
  }

  /** Adds what the last event did. */
  end(did: string): void {
    const at = this.#last.length - 1;
    if (did !== "") this.#last[at] += `  ${did}`;
    this.#hash.update(this.#last[at]!);
  }

  /** Adds what followed from it. */
  add(what: string): void {
    const at = this.#last.length - 1;
    if (at >= 0) this.#last[at] += `\n${" ".repeat(20)}${what}`;
  }

  get last(): readonly string[] {
    return this.#last;
  }

  /** The same for two runs in which the same happened. Ends the trace. */
  digest(): string {
    this.#tell();
    return this.#hash.digest("hex").slice(0, 16);
  }

  #tell(): void {
    const last = this.#last.at(-1);
    if (last !== undefined) this.#onEvent?.(last);
  }
}
