/** Those who come and go beside servers and clients: what a platform's cron runs, and an operator. @module */
import { cancelProcessing, correctedClock, makeBroker, pauseQueue, unpauseQueue } from "@asynqjs/core";
import { runTicks, tickNames } from "@asynqjs/cron-fn";
import { type HttpParts, httpPort } from "./http.ts";
import type { Ledger } from "./ledger.ts";
import { tcpPort } from "./network.ts";
import type { SimProcess } from "./sim-process.ts";
import { queues } from "./workload.ts";

const withoutAggregator = tickNames.filter((tick) => tick !== "aggregate");

/** Runs ticks every so often, each time in a process of its own, two at once now and then; any may be killed on the way. */
export class CronActor {
  readonly #parts: HttpParts;
  readonly #everyMs: number;
  #runs = 0;
  /** Whether it goes on. */
  runs = true;
  readonly processes = new Set<SimProcess>();

  constructor(parts: HttpParts) {
    this.#parts = parts;
    this.#everyMs = parts.world.pick([15_000, 60_000]);
    this.#next();
  }

  kill(process: SimProcess): void {
    this.#parts.world.end(process, "killed");
    this.processes.delete(process);
  }

  #next(): void {
    const { world } = this.#parts;
    const happen = (): void => {
      if (!this.runs) return;
      this.#next();
      for (let copies = world.chance(0.2) ? 2 : 1; copies > 0; copies--) this.#run();
    };
    world.later({ what: "cron calls", afterMs: this.#everyMs, happen });
  }

  #run(): void {
    const { world } = this.#parts;
    const process = world.start(`cron.${++this.#runs}`, world.below(4_000) - 2_000);
    this.processes.add(process);
    const overHttp = world.chance(0.5);
    const redis = overHttp ? httpPort(this.#parts, process) : tcpPort(this.#parts, process).port;
    // The gateway's Redis tells its own time, which is not that of this world.
    const clock = overHttp ? process.clock : correctedClock(process.clock);
    const ticks = world.chance(0.5) ? withoutAggregator : [world.pick(withoutAggregator)];
    const gone = (): void => {
      if (process.end === undefined) world.end(process, "left");
      this.processes.delete(process);
    };
    runTicks(makeBroker({ redis, clock, random: process.random }), { ticks, budgetMs: 10_000 }).then(gone, (error: Error) => {
      world.trace.add(`${process.name}: ${error.message}`);
      gone();
    });
  }
}

/** Pauses queues and lets them go on, and cancels what runs. */
export class Operator {
  readonly #parts: HttpParts & { readonly ledger: Ledger };
  #acts = 0;

  constructor(parts: HttpParts & { readonly ledger: Ledger }) {
    this.#parts = parts;
  }

  pause(): void {
    const { world } = this.#parts;
    const queue = world.pick(Object.keys(queues));
    this.#act((broker) => pauseQueue(broker, queue));
    world.later({ what: `the operator lets ${queue} go on`, afterMs: 1_000 + world.below(20_000), happen: () => this.resume(queue) });
  }

  resume(queue: string): void {
    this.#act((broker) => unpauseQueue(broker, queue), true);
  }

  cancel(): void {
    const { world, ledger } = this.#parts;
    const running = [...ledger.entries.values()].filter(({ runs }) => runs.some(({ end }) => end === undefined));
    const id = running.length === 0 ? undefined : world.pick(running).runs.at(-1)!.task.id;
    if (id !== undefined) this.#act((broker) => cancelProcessing(broker, [{ id }]));
  }

  #act(call: (broker: ReturnType<typeof makeBroker>) => Promise<void>, again = false): void {
    const { world } = this.#parts;
    const process = world.start(`operator.${++this.#acts}`);
    const redis = world.chance(0.5) ? httpPort(this.#parts, process) : tcpPort(this.#parts, process).port;
    const done = (): void => world.end(process, "left");
    call(makeBroker({ redis, clock: process.clock, random: process.random })).then(done, () => {
      done();
      if (again) world.later({ what: "the operator tries again", afterMs: 500, happen: () => this.#act(call, again) });
    });
  }
}
