import {
  type AggregationSet,
  type Broker,
  type DequeuedTask,
  type Limits,
  makeBroker,
  type Random,
  type RedisPort,
  uuid,
} from "@asynqjs/core";
import { type ManualClock, manualClock, seededRandom } from "@asynqjs/core/testing";
import type { KeptLimits } from "./verbs/settle.ts";

/** Chance that repeats, and tells what was drawn: the model uses what the operation drew. */
class ToldRandom implements Random {
  readonly #random: Random;
  readonly #floats: number[] = [];
  readonly #bytes: Uint8Array[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }
  float(): number {
    const drawn = this.#random.float();
    this.#floats.push(drawn);
    return drawn;
  }
  bytes(length: number): Uint8Array {
    const drawn = this.#random.bytes(length);
    this.#bytes.push(drawn.slice());
    return drawn;
  }
  /** The next number that was drawn and not told yet. */
  readonly told = (): number => {
    const drawn = this.#floats.shift();
    if (drawn === undefined) throw new Error("the model asks for a number that was not drawn");
    return drawn;
  };
  /** The next UUID that was made of what was drawn. */
  readonly toldUuid = (): string => uuid({ float: () => 0, bytes: () => this.#bytes.shift()! });
  forget(): void {
    this.#floats.length = 0;
    this.#bytes.length = 0;
  }
}

/** A process: a broker and a clock of its own, and what it believes to hold, lost or not. */
export class Actor {
  readonly name: string;
  readonly clock: ManualClock;
  readonly random: ToldRandom;
  readonly broker: Broker;
  readonly kept: KeptLimits;
  /** Tasks it took, the latest last; it goes on with those it lost, as a process does that was stopped meanwhile. */
  readonly held: DequeuedTask[] = [];
  readonly sets: AggregationSet[] = [];
  /** When each queue's name was written last by this process, by its monotonic clock. */
  readonly published = new Map<string, number>();

  constructor(name: string, seed: number, startMs: number, port: RedisPort, limits: Limits | undefined) {
    this.name = name;
    this.clock = manualClock(startMs);
    this.random = new ToldRandom(seed);
    this.broker = makeBroker({ redis: port, clock: this.clock, random: this.random, limits });
    this.kept = { archiveMaxAgeSec: 90 * 24 * 3600, archiveMaxSize: 10_000, completedMaxSize: undefined, ...limits };
    // Its calls' identity is drawn before any operation, whose draws are its own.
    this.broker.calls.giveBack(this.broker.calls.take());
    this.random.forget();
  }

  /** How far its clock is from everybody's. */
  skewMs = 0;

  jump(byMs: number): void {
    this.skewMs += byMs;
    this.clock.jump(byMs);
  }

  get nowMs(): number {
    return this.clock.nowMs();
  }

  holdSets(sets: readonly AggregationSet[]): void {
    this.sets.push(...sets);
    if (this.sets.length > 4) this.sets.splice(0, this.sets.length - 4);
  }

  /** Remembers the last few it took. */
  hold(tasks: readonly DequeuedTask[]): void {
    this.held.push(...tasks);
    if (this.held.length > 8) this.held.splice(0, this.held.length - 8);
  }
}
