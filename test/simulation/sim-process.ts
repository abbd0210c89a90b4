import type { Clock, Random } from "@asynqjs/core";
import type { Happening, World } from "./world.ts";

interface Timer {
  readonly dueMs: number;
  readonly then: () => void;
}

/** A time in which a process did nothing, though it lived. */
interface Freeze {
  readonly fromMs: number;
  untilMs: number;
}

/** A process of the simulated world: its timers, its clock, and what befell it. */
export class SimProcess {
  readonly name: string;
  readonly random: Random;
  /** Of what the product does; its wall clock may be off. */
  readonly clock: Clock;
  readonly freezes: Freeze[] = [];
  /** How it ended. */
  end: "killed" | "left" | undefined;
  readonly #world: World;
  #timers: Timer[] = [];
  /** Timers of handlers: they may outlive their server. */
  #handlerTimers: Timer[] = [];

  constructor(world: World, name: string, skewMs: number, random: Random) {
    this.#world = world;
    this.name = name;
    this.random = random;
    this.clock = {
      nowMs: () => world.wallMs + skewMs,
      monotonicMs: () => world.nowMs,
      after: (delayMs, then) => this.#arm(this.#timers, delayMs, then),
    };
  }

  /** How many timers of the product wait. */
  get timers(): number {
    return this.#timers.length;
  }

  get frozen(): boolean {
    const last = this.freezes.at(-1);
    return last !== undefined && this.#world.nowMs < last.untilMs;
  }

  /** What a handler waits with. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#arm(this.#handlerTimers, ms, resolve);
      signal?.addEventListener("abort", () => {
        cancel();
        resolve();
      });
      if (signal?.aborted) resolve();
    });
  }

  /** Lets it do nothing for a while: no timer fires, no answer is heard. What it sent is on its way. */
  freeze(ms: number): void {
    this.freezes.push({ fromMs: this.#world.nowMs, untilMs: this.#world.nowMs + ms });
  }

  /** Ends a freeze whose time is over, or any of them. */
  thaw(now = false): void {
    const last = this.freezes.at(-1);
    if (now && last !== undefined && this.frozen) last.untilMs = this.#world.nowMs;
  }

  stop(how: "killed" | "left"): void {
    this.end = how;
    this.#timers = [];
    this.#handlerTimers = [];
  }

  /** The timer that is due first, as something that may happen. */
  dueTimer(nowMs: number): Happening | undefined {
    const [list, timer] = this.#first();
    if (timer === undefined || timer.dueMs > nowMs) return undefined;
    const happen = (): void => {
      list.splice(list.indexOf(timer), 1);
      timer.then();
    };
    return { what: `${this.name} timer`, process: this, atMs: timer.dueMs, happen };
  }

  /** When it wakes up, or its next timer is due. */
  nextMs(): number {
    if (this.frozen) return this.freezes.at(-1)!.untilMs;
    return this.#first()[1]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  #first(): [list: Timer[], timer: Timer | undefined] {
    let found: [Timer[], Timer | undefined] = [this.#timers, undefined];
    for (const list of [this.#timers, this.#handlerTimers])
      for (const timer of list) if (found[1] === undefined || timer.dueMs < found[1].dueMs) found = [list, timer];
    return found;
  }

  #arm(list: Timer[], delayMs: number, then: () => void): () => void {
    const timer = { dueMs: this.#world.nowMs + Math.max(0, delayMs), then };
    if (this.end === undefined) list.push(timer);
    this.#world.changed();
    return () => {
      const at = list.indexOf(timer);
      if (at >= 0) list.splice(at, 1);
    };
  }
}
