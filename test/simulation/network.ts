/** The way between processes and Redis: each request and each answer is under way until its step comes, or a fault strikes it. @module */
import type { Command, CommandResult, RedisPort } from "@asynqjs/core";
import { refusal, repeatingPort, type Way, wayFailed } from "@asynqjs/core/redis/ioredis";
import { type Faults, refusals, tcpFaults } from "./faults.ts";
import { commandName, type RedisSide } from "./redis-side.ts";
import type { SimProcess } from "./sim-process.ts";
import type { World } from "./world.ts";

/** Nothing is under way for longer: a replay later than the call records last may be carried out again, as `docs/guarantees.md` says. */
export const longestUnderWayMs = 250_000;

/** What the network is made of. */
export interface NetworkParts {
  readonly world: World;
  readonly faults: Faults;
  readonly redis: RedisSide;
  /** Told of what Redis carried out and answered, in order. */
  readonly carriedOut: (commands: readonly Command[], results: readonly CommandResult[]) => void;
}

/** How long a message takes: mostly no time at all, so that the choice alone puts them in order. */
export function latencyMs(world: World): number {
  return world.chance(0.15) ? world.below(120) : 0;
}

/** How long a delayed one takes: often longer than its caller waits for an answer, now and then longer than a lease. */
export function delayMs(world: World): number {
  return world.pick([300, 3_000, 8_000, 40_000, longestUnderWayMs]) * world.random.float();
}

/** The port of a process that reaches Redis over TCP: the product's own, above a connection that the seed governs. */
export function tcpPort(parts: NetworkParts, process: SimProcess): TcpPort {
  const link = new TcpLink(parts, process);
  const port = repeatingPort(link, { clock: process.clock, random: process.random });
  return { port, link };
}

export interface TcpPort {
  readonly port: RedisPort;
  readonly link: TcpLink;
}

/** One connection at a time, made anew when it is lost. */
class TcpLink implements Way {
  readonly cluster = false;
  readonly waits = false;
  readonly #parts: NetworkParts;
  readonly #process: SimProcess;
  readonly #listeners = new Set<{ readonly onReady: () => void; readonly onClose: () => void }>();
  /** Which connection it is; 0 while there is none. */
  #connection = 1;
  #connections = 1;
  #downUntilMs = 0;

  constructor(parts: NetworkParts, process: SimProcess) {
    this.#parts = parts;
    this.#process = process;
  }

  write(commands: readonly Command[]): Promise<readonly CommandResult[]> {
    const { world, faults } = this.#parts;
    if (this.#connection === 0 || world.nowMs < faults.awayUntilMs) return Promise.reject(wayFailed("not connected", "no"));
    return new Promise((resolve) => {
      const call = { commands, name: nameOf(commands), connection: this.#connection, resolve };
      this.#send(call, latencyMs(world));
    });
  }

  /** A try had no answer in time. */
  reset(): void {
    this.disconnect();
  }

  /** Loses the connection: what is under way to Redis may arrive, what comes back does not. */
  disconnect(forMs = 0): void {
    const { world } = this.#parts;
    this.#downUntilMs = Math.max(this.#downUntilMs, world.nowMs + forMs);
    if (this.#connection === 0) return;
    this.#connection = 0;
    this.#connectLater();
    for (const { onClose } of [...this.#listeners]) onClose();
  }

  close(): void {}

  #connectLater(): void {
    const { world, faults } = this.#parts;
    const connect = (): string => {
      if (world.nowMs < Math.max(this.#downUntilMs, faults.awayUntilMs)) {
        this.#connectLater();
        return "in vain";
      }
      this.#connection = ++this.#connections;
      for (const { onReady } of [...this.#listeners]) onReady();
      return "";
    };
    world.later({ what: `${this.#process.name} connects`, process: this.#process, afterMs: 20 + world.below(700), happen: connect });
  }

  listen(listeners: { readonly onReady: () => void; readonly onClose: () => void }): () => void {
    this.#listeners.add(listeners);
    return () => this.#listeners.delete(listeners);
  }

  /** What is sent arrives whatever becomes of its sender. */
  #send(call: Call, afterMs: number): void {
    const what = `${this.#process.name} -> ${call.name}`;
    this.#parts.world.later({ what, afterMs, happen: () => this.#arrive(call) });
  }

  async #arrive(call: Call): Promise<string> {
    const { world, faults } = this.#parts;
    const fault = call.replayed === true ? faults.standing() : faults.ofCall(tcpFaults, this.#process.name);
    if (fault !== undefined) faults.count(fault);
    switch (fault) {
      case "drop request":
        return "lost";
      case "delay":
        this.#send({ ...call, replayed: true }, delayMs(world));
        return "is held up";
      case "LOADING":
      case "READONLY":
      case "BUSY":
      case "MASTERDOWN": {
        // It may begin in the middle of a pipeline.
        const carried = call.commands.slice(0, world.pick([0, world.below(call.commands.length)]));
        const rest = call.commands.slice(carried.length).map(() => ({ error: refusal(refusals[fault]) }));
        const answers = [...(await this.#carryOut(carried)), ...rest];
        this.#answer(call, answers);
        return `${fault} ${shown(answers)}`;
      }
    }
    const results = await this.#carryOut(call.commands);
    // What was refused is not sent again by whoever is on the way: it was answered. A fetch that finds nothing leaves no record, so that its
    // copy may take tasks for nobody: they are taken back, which is more than a mild fault may cost.
    const costly = faults.level === "mild" && call.name.includes("dequeue");
    if (fault === "duplicate" && !costly && results.every(({ error }) => error === undefined))
      this.#send({ ...call, replayed: true }, world.chance(0.5) ? 0 : delayMs(world));
    if (fault === "drop reply") faults.followLoss();
    this.#answer(call, results, fault === "drop reply");
    return `${fault ?? ""} ${shown(results)}`.trim();
  }

  async #carryOut(commands: readonly Command[]): Promise<readonly CommandResult[]> {
    const { redis, carriedOut } = this.#parts;
    const results = await redis.carryOut(commands);
    carriedOut(commands, results);
    return results;
  }

  #answer(call: Call, results: readonly CommandResult[], lost = false): void {
    if (lost) return;
    const { world } = this.#parts;
    const hear = (): string => {
      if (call.connection !== this.#connection) return "comes too late";
      call.resolve(results);
      return "";
    };
    world.later({ what: `${this.#process.name} <- ${call.name}`, process: this.#process, afterMs: latencyMs(world), happen: hear });
  }
}

interface Call {
  readonly commands: readonly Command[];
  readonly name: string;
  readonly connection: number;
  readonly resolve: (results: readonly CommandResult[]) => void;
  /** It had its fault: nothing more befalls it. */
  readonly replayed?: boolean;
}

function nameOf(commands: readonly Command[]): string {
  return [...new Set(commands.map(commandName))].join("+");
}

/** The beginning of an answer, for the trace. */
function shown(results: readonly CommandResult[]): string {
  const text = (reply: CommandResult["reply"]): string => {
    if (reply instanceof Uint8Array) return JSON.stringify(Buffer.from(reply.subarray(0, 24)).toString("latin1"));
    return Array.isArray(reply)
      ? `[${reply.slice(0, 3).map(text).join(" ")}${reply.length > 3 ? ` … ${reply.length}` : ""}]`
      : String(reply);
  };
  const parts = results.map(({ reply, error }) => (error === undefined ? text(reply as never) : (error.reply ?? "error")));
  // What Redis tells of itself differs from run to run.
  return parts.some((part) => part.startsWith('"# Server')) ? "(itself)" : parts.join(" ").slice(0, 100);
}
