/** A worker process: the product's server, started, run, shut down or killed, and started again. @module */
import { type ProcessingTask, ServeMux, Server } from "@asynqjs/worker-node";
import { Fetches } from "./fetches.ts";
import { manners, type Order } from "./manners.ts";
import { type TcpPort, tcpPort } from "./network.ts";
import { ServerChecks } from "./server-checks.ts";
import { type ServerParts, serverConfig } from "./server-config.ts";
import type { SimProcess } from "./sim-process.ts";
import { rareType } from "./workload.ts";

/** How long a shutdown may take beyond its handlers' time: mild faults cost a few tries, others a lease and what the rest of it is given. */
const slackMs = { mild: 8_000, any: 36_000 };

/** One worker process at a time, in the same place. */
export class ServerActor {
  readonly #parts: ServerParts;
  readonly #place: number;
  #generation = 0;
  process!: SimProcess;
  #server!: Server;
  #checks!: ServerChecks;
  #tcp!: TcpPort;
  #shutdownMs = 0;
  #leaving = false;

  constructor(parts: ServerParts, place: number) {
    this.#parts = parts;
    this.#place = place;
    this.begin();
  }

  /** Starts a process, as a supervisor does. */
  begin(): void {
    const { world, ledger, leases } = this.#parts;
    const process = world.start(`server-${this.#place}.${++this.#generation}`, world.chance(0.5) ? world.below(40_000) - 20_000 : 0);
    const tcp = tcpPort(this.#parts, process);
    const config = serverConfig(this.#parts, this.#place, process);
    const fetches = new Fetches(world);
    const server = new Server(fetches.watch(tcp.port), config);
    this.process = process;
    this.#tcp = tcp;
    this.#server = server;
    this.#checks = new ServerChecks({ world, ledger, leases, process, server, fetches, config });
    this.#shutdownMs = config.shutdownTimeoutMs + config.abortGraceMs;
    this.#leaving = false;
    server.start(this.#mux(this.#checks)).catch(() => {
      // Redis was away.
      if (server === this.#server && server.state === "new") this.#replace("left", 1_000);
    });
  }

  /** Whether it lives and is not on its way out. */
  get serves(): boolean {
    return this.process.end === undefined && !this.#leaving;
  }

  kill(): void {
    this.#replace("killed", 200 + this.#parts.world.below(20_000));
  }

  /** Loses its connection, and gets none for a while. */
  disconnect(forMs = 0): void {
    this.#tcp.link.disconnect(forMs);
  }

  /** What holds at any moment. */
  look(): void {
    if (this.process.end === undefined) this.#checks.look();
  }

  /** Shuts it down as SIGTERM does; when it is done nothing of it may be left. */
  async shutdown(replace = true): Promise<void> {
    const { process } = this;
    const { ledger, world } = this.#parts;
    this.#leaving = true;
    const beganMs = world.nowMs;
    await this.#server.shutdown();
    if (process.end !== undefined) return;
    const frozenMs = process.freezes.reduce((sum, { untilMs }) => sum + Math.max(0, untilMs - beganMs), 0);
    const tookMs = world.nowMs - beganMs - frozenMs - this.#shutdownMs;
    if (tookMs > slackMs[ledger.strict ? "mild" : "any"])
      ledger.violated(`${process.name} took ${Math.round(tookMs)} ms too long to shut down`);
    // The port is ours: who gave it closes it.
    await this.#tcp.port.close();
    this.#checks.ended();
    this.#replace("left", replace ? 200 : undefined);
  }

  /** The process is over; another takes its place. */
  #replace(how: "killed" | "left", afterMs?: number): void {
    const { world } = this.#parts;
    world.end(this.process, how);
    if (afterMs === undefined) return;
    world.later({ what: `server-${this.#place} is started again`, afterMs, happen: () => this.begin() });
  }

  /** The second server does not know all types. */
  #mux(checks: ServerChecks): ServeMux {
    const mux = new ServeMux().use((next) => {
      checks.called();
      return next;
    });
    for (const type of this.#place === 1 ? ["work"] : ["work", rareType]) mux.handle(type, (task) => this.#handle(task));
    return mux;
  }

  async #handle(task: ProcessingTask): Promise<void> {
    const { ledger, faults } = this.#parts;
    const { process } = this;
    const run = ledger.begin(process, task);
    const order = task.json<Order>();
    const block = (ms: number): void => {
      if (faults.rate("block") === 0) return;
      faults.count("block");
      process.freeze(ms);
    };
    try {
      await manners[order.manner]({ task, order, process, before: run.entry.runs.length - 1, block });
      ledger.end(run, "returned");
    } catch (error) {
      ledger.end(run, "threw");
      throw error;
    }
  }
}
