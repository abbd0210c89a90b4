/** Time, chance, and what waits to happen: one thing happens at a time, and which is next the seed says. @module */
import type { Random } from "@asynqjs/core";
import { seededRandom } from "@asynqjs/core/testing";
import { SimProcess } from "./sim-process.ts";
import { Trace } from "./trace.ts";

/** Something that waits to happen: a request that arrives, an answer that is heard, somebody who begins something. */
export interface Happening {
  /** How the trace calls it. */
  readonly what: string;
  /** Who has to be alive and awake for it; nobody for what is under way outside of any process. */
  readonly process?: SimProcess | undefined;
  /** Not earlier than that. */
  readonly atMs: number;
  /** What it did, for the trace. While it awaits, nothing else happens. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most have nothing to say
  readonly happen: () => void | string | Promise<void | string>;
}

/** So many turns of the event loop without anything new mean that nothing more follows from what happened. */
const quietTurns = 3;

/** All of a simulated world but Redis itself, which is real. */
export class World {
  readonly random: Random;
  readonly trace: Trace;
  readonly processes = new Set<SimProcess>();
  /** Since the world began. */
  nowMs = 0;
  steps = 0;
  /** Called before each step's choice; answers whether it did something, which then is the step. */
  strike: () => Promise<boolean> = async () => false;
  readonly #startedAtMs: number;
  #waiting: Happening[] = [];
  #changes = 0;
  #between = true;

  constructor(seed: number, onEvent?: (text: string) => void) {
    this.trace = new Trace(onEvent);
    this.random = seededRandom(seed);
    // Later than Redis' own clock, so that nothing that is given a time to live is over already; and up to a day later, for the daily counters.
    this.#startedAtMs = Date.UTC(2040, 0, 2) + this.below(24 * 3600 * 1000);
  }

  /** The wall clock of Redis, epoch milliseconds. */
  get wallMs(): number {
    return this.#startedAtMs + this.nowMs;
  }

  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.random.float() * bound);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random.float() < probability;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  /** A process with a clock and chance of its own. */
  start(name: string, skewMs = 0): SimProcess {
    const process = new SimProcess(this, name, skewMs, seededRandom(this.below(2 ** 32)));
    this.processes.add(process);
    return process;
  }

  /** Lets something happen later; the answer takes it back. */
  later(happening: Omit<Happening, "atMs"> & { readonly afterMs?: number }): () => void {
    const waiting = { ...happening, atMs: this.nowMs + (happening.afterMs ?? 0) };
    this.changed();
    if (happening.process?.end !== undefined) return () => {};
    this.#waiting.push(waiting);
    return () => {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
    };
  }

  /** Something new waits: what happened is not over yet. */
  changed(): void {
    if (this.#between) throw new Error("something happened between two steps: the order of this run is not the seed's");
    this.#changes++;
  }

  /** Ends a process as SIGKILL does, or since it is done: nothing of it happens any more. */
  end(process: SimProcess, how: "killed" | "left"): void {
    process.stop(how);
    this.processes.delete(process);
    this.#waiting = this.#waiting.filter((waiting) => waiting.process !== process);
  }

  /** Something outside of the steps: the first processes, the checks. What it begins is under way when it resolves. */
  async outside<T>(act: () => T | Promise<T>): Promise<T> {
    this.#between = false;
    const answer = await act();
    await this.#quiet();
    this.#between = true;
    return answer;
  }

  /** Lets one thing happen and all that follows from it settle. Answers false when nothing waits. */
  async step(): Promise<boolean> {
    this.#between = false;
    this.steps++;
    const stepped = (await this.strike()) || (await this.#next());
    await this.#quiet();
    this.#between = true;
    return stepped;
  }

  async #next(): Promise<boolean> {
    let ready = this.#ready();
    if (ready.length === 0) {
      const next = this.#nextMs();
      if (next === undefined) return false;
      // Past it now and then, so that several things are due at once.
      this.nowMs = next + (this.chance(0.2) ? this.below(1_000) : 0);
      for (const process of this.processes) process.thaw();
      ready = this.#ready();
      if (ready.length === 0) return true;
    }
    const chosen = this.pick(ready);
    const at = this.#waiting.indexOf(chosen);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.trace.begin(this.steps, this.nowMs, chosen.what);
    this.trace.end((await chosen.happen()) ?? "");
    return true;
  }

  #ready(): Happening[] {
    const ready = this.#waiting.filter(({ atMs, process }) => atMs <= this.nowMs && process?.frozen !== true);
    for (const process of this.processes) {
      const timer = process.frozen ? undefined : process.dueTimer(this.nowMs);
      if (timer !== undefined) ready.push(timer);
    }
    return ready;
  }

  /** When the next thing is due. */
  #nextMs(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { atMs, process } of this.#waiting) if (process?.frozen !== true) next = Math.min(next, atMs);
    for (const process of this.processes) next = Math.min(next, process.nextMs());
    return Number.isFinite(next) ? Math.max(next, this.nowMs) : undefined;
  }

  async #quiet(): Promise<void> {
    for (let still = 0, seen = this.#changes; still < quietTurns; still = this.#changes === seen ? still + 1 : 0) {
      seen = this.#changes;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}
