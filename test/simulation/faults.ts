/** Which faults strike, and how often: each seed draws its own, so that rare mixtures are met and the mild ones are judged strictly. @module */
import type { World } from "./world.ts";

/** What may befall one request or its answer on its way over TCP. */
export const tcpFaults = ["drop request", "drop reply", "delay", "duplicate", "LOADING", "READONLY", "BUSY", "MASTERDOWN"] as const;
/** The same over HTTP. */
export const httpFaults = [
  "drop request",
  "drop reply",
  "delay",
  "duplicate",
  "LOADING",
  "READONLY",
  "BUSY",
  "429",
  "500",
  "500 after",
  "garbled",
] as const;
/** What may befall a process or all of Redis between two calls. */
const strikes = [
  "kill",
  "freeze",
  "disconnect",
  "partition",
  "outage",
  "refusal",
  "script flush",
  "redis full",
  "shutdown",
  "pause",
  "cancel",
] as const;

export type CallFault = (typeof tcpFaults)[number] | (typeof httpFaults)[number];
export type Strike = (typeof strikes)[number];
export type FaultKind = CallFault | Strike | "block";

/** Those that a caller rides out: they cost no second run and no retry. */
const mild: readonly FaultKind[] = [
  "drop request",
  "drop reply",
  "duplicate",
  "LOADING",
  "READONLY",
  "BUSY",
  "MASTERDOWN",
  "429",
  "500",
  "500 after",
  "garbled",
  "disconnect",
  "script flush",
  "pause",
  "shutdown",
];

/** Those after which a caller waits for seconds before it tries again. */
const slow: ReadonlySet<FaultKind> = new Set(["drop request", "drop reply", "429"]);

/** How likely each fault is: of calls for each call, of strikes for each step. */
export type FaultRates = Partial<Record<FaultKind, number>>;

/** What the words of Redis are. */
export const refusals = {
  LOADING: "LOADING Redis is loading the dataset in memory",
  READONLY: "READONLY You can't write against a read only replica.",
  BUSY: "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  MASTERDOWN: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
} as const;

type Refusal = keyof typeof refusals & (typeof httpFaults)[number];

/** Faults of one run, counted as they strike. */
export class Faults {
  readonly counts: Partial<Record<FaultKind, number>> = {};
  readonly #world: World;
  /** `none`, `mild`, or any. */
  readonly level: "none" | "mild" | "any";
  /** Redis and its gateway are away until then. */
  awayUntilMs = 0;
  /** Redis refuses all with this until then. */
  #refusal: { readonly kind: Refusal; readonly untilMs: number } | undefined;
  #rates: FaultRates;
  readonly #sparedUntilMs = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    const roll = world.random.float();
    this.level = roll < 0.05 ? "none" : roll < 0.35 ? "mild" : "any";
    this.#rates = this.#draw();
  }

  /** No fault strikes from now on. */
  end(): void {
    this.#rates = {};
    this.awayUntilMs = 0;
    this.#refusal = undefined;
  }

  /** The fault that strikes a call of somebody, or none. */
  ofCall(kinds: readonly CallFault[], caller: string): CallFault | undefined {
    const fault = this.standing() ?? this.#strike(kinds);
    if (this.level !== "mild" || fault === undefined || !slow.has(fault)) return fault;
    // What costs a caller seconds and strikes it several times in a row uses up its time: that is not mild.
    if (this.#world.nowMs < (this.#sparedUntilMs.get(caller) ?? 0)) return undefined;
    this.#sparedUntilMs.set(caller, this.#world.nowMs + 20_000);
    return fault;
  }

  /** What Redis refuses everything with for now. */
  standing(): Refusal | undefined {
    return this.#refusal !== undefined && this.#world.nowMs < this.#refusal.untilMs ? this.#refusal.kind : undefined;
  }

  /** Redis refuses everything for a while: it is started again, say. */
  refuse(kind: Refusal, forMs: number): void {
    this.#refusal = { kind, untilMs: this.#world.nowMs + forMs };
  }

  /** Whoever carried something out and did not answer may be on its way down: what comes again is refused for longer than its caller waits. */
  followLoss(): void {
    if (this.rate("refusal") === 0 || !this.#world.chance(0.5)) return;
    this.count("refusal");
    this.refuse(this.#world.pick(["LOADING", "READONLY", "BUSY"] as const), 12_000);
  }

  /** The strike that this step is, or none. */
  ofStep(): Strike | undefined {
    return this.#strike(strikes);
  }

  rate(kind: FaultKind): number {
    return this.#rates[kind] ?? 0;
  }

  count(kind: FaultKind): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  #strike<K extends CallFault | Strike>(kinds: readonly K[]): K | undefined {
    let roll = this.#world.random.float();
    for (const kind of kinds) {
      roll -= this.#rates[kind] ?? 0;
      if (roll < 0) return kind;
    }
    return undefined;
  }

  #draw(): FaultRates {
    const rates: FaultRates = {};
    if (this.level === "none") return rates;
    // A call whose every try meets a mild fault would be given up in the end.
    const often = this.#world.pick(this.level === "mild" ? [0.003, 0.01] : [0.005, 0.02, 0.06]);
    const strikesOften = this.#world.pick([0.0005, 0.001, 0.003]);
    for (const kind of new Set<FaultKind>([...tcpFaults, ...httpFaults, ...strikes, "block"])) {
      if ((this.level === "mild" && !mild.includes(kind)) || this.#world.chance(0.4)) continue;
      const isStrike = (strikes as readonly FaultKind[]).includes(kind);
      rates[kind] = (isStrike ? strikesOften : often) * this.#world.pick([0.3, 1, 2]);
    }
    return rates;
  }
}
