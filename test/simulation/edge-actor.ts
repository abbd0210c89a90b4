/** Whoever enqueues: over HTTP through the gateway, or over TCP; again what got no answer, and now and then what is there already. @module */
import { Client, type EnqueueOutcome } from "@asynqjs/client-edge";
import { type HttpParts, httpPort } from "./http.ts";
import type { Ledger } from "./ledger.ts";
import { type TcpPort, tcpPort } from "./network.ts";
import type { SimProcess } from "./sim-process.ts";
import { type Plan, planTask } from "./workload.ts";

export interface EdgeActorParts extends HttpParts {
  readonly ledger: Ledger;
  readonly nextNumber: () => number;
}

/** With so many tasks undone nothing is enqueued: a server of one slot has to be done with them in time. */
const mostUndone = 80;

/** A process that enqueues, in one place. */
export class EdgeActor {
  readonly #parts: EdgeActorParts;
  readonly #place: number;
  #generation = 0;
  process!: SimProcess;
  #tcp: TcpPort | undefined;
  #client!: Client;
  /** What it enqueued, to be enqueued again. */
  readonly #past: Plan[] = [];
  /** Whether it goes on. */
  enqueues = true;
  /** Its calls that have not ended. */
  underWay = 0;

  constructor(parts: EdgeActorParts, place: number) {
    this.#parts = parts;
    this.#place = place;
    this.begin();
  }

  begin(): void {
    const { world } = this.#parts;
    this.underWay = 0;
    this.process = world.start(`client-${this.#place}.${++this.#generation}`, world.below(4_000) - 2_000);
    this.#tcp = this.#place % 2 === 0 ? undefined : tcpPort(this.#parts, this.process);
    const redis = this.#tcp?.port ?? httpPort(this.#parts, this.process);
    this.#client = new Client({ redis, clock: this.process.clock, random: this.process.random });
    this.#next();
  }

  /** Loses its connection, where it has one. */
  disconnect(): void {
    this.#tcp?.link.disconnect();
  }

  kill(): void {
    const { world } = this.#parts;
    world.end(this.process, "killed");
    world.later({ what: `client-${this.#place} is started again`, afterMs: 100 + world.below(5_000), happen: () => this.begin() });
  }

  #next(): void {
    if (!this.enqueues) return;
    const { world } = this.#parts;
    const happen = (): void => {
      this.#next();
      if (this.enqueues && this.#parts.ledger.undone < mostUndone) void this.#enqueueSome();
    };
    world.later({ what: `${this.process.name} enqueues`, process: this.process, afterMs: world.pick([20, 200, 1_000, 6_000]), happen });
  }

  async #enqueueSome(): Promise<void> {
    const { world, ledger, nextNumber } = this.#parts;
    const plans = Array.from({ length: world.pick([1, 1, 2, 8]) }, () => this.#planOne(nextNumber));
    const entries = plans.map((plan) => ledger.attempt(plan.order, plan));
    this.underWay++;
    const outcomes = await this.#client.enqueueMany(
      plans.map(({ task, options }) => ({ task, options })),
      { signal: this.#patience() },
    );
    this.underWay--;
    for (const [i, outcome] of outcomes.entries()) {
      const entry = entries[i]!;
      const verdict = readOutcome(outcome);
      world.trace.add(`${this.process.name}: task ${entry.order.n} ${verdict}`);
      if (verdict === "acked" || (verdict === "conflict" && plans[i]!.options.taskId === entry.plan?.options.taskId)) entry.acked = true;
      if (verdict !== "acked" && verdict !== "unknown") entry.refused++;
      if (ledger.strict && (verdict === "refused" || verdict === "unknown"))
        ledger.violated(`task ${entry.order.n} was not enqueued though all faults are mild: ${outcome.error?.message}`);
      if (verdict === "conflict" && entry.attempts === 1) ledger.violated(`task ${entry.order.n} was enqueued once and is in conflict`);
      if (verdict === "unknown" || world.chance(0.1)) this.#past.push(plans[i]!);
    }
  }

  /** Now and then it gives up. */
  #patience(): AbortSignal | undefined {
    const { world, ledger } = this.#parts;
    if (ledger.strict || !world.chance(0.25)) return undefined;
    const giveUp = new AbortController();
    const happen = (): void => giveUp.abort();
    const afterMs = world.pick([0, 5, 30, 150, 2_000]);
    world.later({ what: `${this.process.name} gives up`, process: this.process, afterMs, happen });
    return giveUp.signal;
  }

  /** A new task, or one that is enqueued once more: the same id, or the same unique payload under another. */
  #planOne(nextNumber: () => number): Plan {
    const { world } = this.#parts;
    const plan = world.chance(0.3) ? this.#past.pop() : undefined;
    if (plan === undefined) return planTask(world, nextNumber());
    if (plan.options.uniqueTtlSec === undefined || world.chance(0.5)) return plan;
    return { ...plan, options: { ...plan.options, taskId: `${plan.options.taskId}-again` } };
  }
}

/** What its caller knows: it is there, it is not, or nobody knows. */
function readOutcome({ info, error }: EnqueueOutcome): "acked" | "conflict" | "refused" | "unknown" {
  if (info !== undefined) return "acked";
  switch (error.code) {
    case "TASK_ID_CONFLICT":
    case "DUPLICATE_TASK":
      return "conflict";
    case "REDIS":
      return error.delivered === "no" ? "refused" : "unknown";
    default:
      throw error;
  }
}
