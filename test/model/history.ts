/**
 * One history: Redis, its model, the processes that work on them, and what is held against what after each step.
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { type RedisPort, transitions } from "@asynqjs/core";
import { scanInvariants } from "@asynqjs/core/invariants";
import type { Redis } from "ioredis";
import { Actor } from "./actor.ts";
import { brokenInvariants } from "./broken.ts";
import { Thrown } from "./call.ts";
import { type PlainCommand, sendBoth } from "./commands.ts";
import { Keyspace } from "./keyspace.ts";
import { type Fault, Mismatch, ModelPort, type scriptsByHash } from "./model-port.ts";
import type { Operation } from "./operation.ts";
import { obstacle } from "./ops/faults.ts";
import { queues } from "./ops/new-task.ts";
import { plain, wordOf } from "./plain.ts";
import { compareKeyspaces, type KeyspaceReader } from "./read-keyspace.ts";
import { isCallRecord, RecordBook } from "./record-book.ts";

/** Where histories run: an own database, emptied before each. */
export interface Bench {
  readonly redis: Redis;
  readonly port: RedisPort;
  readonly reader: KeyspaceReader;
  readonly scripts: Awaited<ReturnType<typeof scriptsByHash>>;
}

/** An hour before midnight, so that days change. */
const startMs = Date.UTC(2040, 0, 2, 23, 0, 0);
/** The limits of two of the four processes; the others have Asynq's. */
const tightLimits = { archiveMaxAgeSec: 500, archiveMaxSize: 2, completedMaxSize: 1 };

const longestCalmMs = 900;

/** A task that a Go worker took, as it was then. */
export interface GoTask {
  readonly queue: string;
  readonly id: string;
  readonly msg: string;
}

interface StepEntry {
  readonly operation: Operation;
  readonly fault: Fault;
  answer?: unknown;
}

export class History {
  readonly #bench: Bench;
  readonly keyspace = new Keyspace(startMs);
  readonly records = new RecordBook(startMs);
  readonly port: ModelPort;
  /** Three workers, and who enqueues and runs ticks from elsewhere, but each may do anything; bytes of the last two cross as text. */
  readonly actors: readonly Actor[];
  readonly #entries: StepEntry[] = [];
  /** What was found expired when somebody looked last: a recoverer may be slow. */
  expired: readonly { readonly queue: string; readonly id: string; readonly score: string; readonly msg: Uint8Array }[] = [];
  /** What Go workers hold, lost or not, the latest last. */
  readonly goHeld: GoTask[] = [];
  /** Whether the machine stood still for so long that keys may have ended by Redis' own time. */
  hasStalled = false;
  /** When the times to live in Redis were last set to the model's, and how long the shortest then was; one that is set meanwhile has a second. */
  #anchoredMs = performance.now();
  #shortestMs = longestCalmMs;

  /** Whether somebody wrote behind everybody's back. */
  #disturbed = false;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.port = new ModelPort(bench.port, this.keyspace, this.records, bench.scripts);
    this.actors = ["w1", "w2", "w3", "cron"].map(
      (name, i) => new Actor(name, i + 1, startMs, i < 2 ? this.port : this.port.asText(), i % 2 === 0 ? tightLimits : undefined),
    );
  }

  /** Does one step and looks whether reality is as the model says. @throws {Mismatch} */
  async step(operation: Operation, fault: Fault): Promise<void> {
    const entry: StepEntry = { operation, fault };
    this.#entries.push(entry);
    const before = this.#places();
    for (const { random } of this.actors) random.forget();
    if (operation.steps !== undefined) this.port.begin(operation.text, operation.steps(), fault);
    const outcome = await operation.run().then(
      (value) => ({ value }),
      (error: unknown) => {
        if (error instanceof Mismatch || !(error instanceof Error)) throw error;
        return { thrown: wordOf(error), error };
      },
    );
    if (operation.steps !== undefined) {
      entry.answer = "thrown" in outcome ? outcome.thrown : outcome.value;
      checkOutcome(outcome, await this.port.end());
    } else if ("error" in outcome) {
      throw outcome.error;
    }
    if ("value" in outcome && !this.#disturbed) checkCalm(outcome.value, operation.mends === true);
    if ("value" in outcome) operation.keep?.(outcome.value as never);
    await this.#verify();
    if (operation.moves !== undefined && !this.#disturbed) checkMoves(before, this.#places(), operation.moves);
  }

  /** The steps so far, for who has to read them. */
  get steps(): readonly string[] {
    return this.#entries.map(({ operation, fault, answer }) => {
      const struck = operation.steps === undefined || fault.kind === "none" ? "" : ` (${fault.kind} ${fault.at})`;
      return `${operation.text}${struck}${operation.steps === undefined ? "" : ` -> ${brief(answer)}`}`;
    });
  }

  /**
   * Redis holds what the model says; what the scan finds is what is broken in the model; and nothing is, unless somebody wrote behind
   * everybody's back.
   */
  async #verify(): Promise<void> {
    const [dump, { findings }] = await Promise.all([this.#bench.reader.read(), scanInvariants(this.#bench.port, { queues })]);
    const elapsedMs = performance.now() - this.#anchoredMs + 2;
    if (elapsedMs >= this.#shortestMs) this.hasStalled = true;
    const lines = [...compareKeyspaces(dump, this.keyspace, elapsedMs), ...this.records.compare(dump, elapsedMs)];
    if (lines.length > 0) throw new Mismatch(lines.join("\n"));
    const found = [...new Set(findings.map(({ invariant, queue, id, key }) => `${invariant} ${queue} ${id ?? key}`))].sort();
    const broken = this.broken();
    if (!isDeepStrictEqual(found, broken)) throw new Mismatch(`the scan finds ${readable(findings)}\n  by the model ${readable(broken)}`);
    // Where clocks differ, the day's count of what was processed may end before that of what failed.
    const differ = this.actors.some(({ skewMs }) => skewMs !== 0);
    const strange = broken.filter((one) => !(differ && one.startsWith("I11 ")));
    if (strange.length > 0 && !this.#disturbed) throw new Mismatch(`what nobody disturbed is broken: ${readable(findings)}`);
    const fresh = this.keyspace.takeAbsolute();
    if (fresh.length > 0 || elapsedMs > 300) await this.#anchor([...dump.keys].flatMap(([key, { leftMs }]) => (leftMs >= 0 ? [key] : [])));
  }

  /** Lets the same time pass for everybody, Redis included. */
  async advance(byMs: number): Promise<void> {
    const keys = [...this.keyspace.keys(), ...this.records.keys()].filter((key) => this.#leftMs(key) !== undefined);
    this.keyspace.advance(byMs);
    this.records.advance(byMs);
    for (const { clock } of this.actors) await clock.advance(byMs);
    await this.#anchor(keys);
  }

  async forgetScripts(): Promise<void> {
    await this.#bench.redis.script("FLUSH");
    this.#bench.reader.forget();
  }

  /** From now on things may be broken of which no operation of this history is the cause. */
  disturb(): void {
    this.#disturbed = true;
  }

  /** Somebody else writes. */
  behindBack(commands: readonly PlainCommand[]): Promise<void> {
    this.disturb();
    return sendBoth(this.#bench.redis, this.keyspace, commands);
  }

  goHolds(task: GoTask): void {
    this.goHeld.push(task);
    if (this.goHeld.length > 4) this.goHeld.shift();
  }

  /** Whoever wrote over keys takes that away. */
  clearWay(): Promise<void> {
    const inTheWay = this.keyspace.keys().filter((key) => this.keyspace.text(key) === obstacle);
    return sendBoth(
      this.#bench.redis,
      this.keyspace,
      inTheWay.map((key) => ["DEL", key]),
    );
  }

  /** What is broken by now. */
  broken(): string[] {
    return brokenInvariants(this.keyspace, queues);
  }

  async evict(key: string): Promise<void> {
    this.disturb();
    await this.#bench.redis.del(key);
    this.keyspace.drop(key);
    this.records.drop(key);
  }

  #leftMs(key: string): number | undefined {
    return isCallRecord(key) ? this.records.leftMs(key) : this.keyspace.leftMs(key);
  }

  /** Gives keys the time to live that the model says: Redis' own time is no part of a history. */
  async #anchor(keys: readonly string[]): Promise<void> {
    this.#anchoredMs = performance.now();
    this.#shortestMs = longestCalmMs;
    // A key that was given an end in the past is gone.
    this.keyspace.advance(0);
    if (keys.length === 0) return;
    const pipeline = this.#bench.redis.pipeline();
    for (const key of keys) {
      const leftMs = this.#leftMs(key);
      if (leftMs === undefined) pipeline.del(key);
      else pipeline.pexpire(key, leftMs);
      this.#shortestMs = Math.min(this.#shortestMs, leftMs ?? longestCalmMs);
    }
    await pipeline.exec();
  }

  /** Where each task is, by what its hash says. */
  #places(): Map<string, string> {
    const places = new Map<string, string>();
    for (const key of this.keyspace.keys()) {
      if (!key.includes("}:t:")) continue;
      const fields = this.keyspace.fields(key);
      if (fields.has("msg")) places.set(key, fields.get("state") ?? "none");
    }
    return places;
  }
}

function checkOutcome(outcome: { value: unknown } | { thrown: string }, predicted: unknown): void {
  if (predicted === "lost") {
    if (!("thrown" in outcome) || outcome.thrown !== "REDIS") throw new Mismatch(`a request was lost, and it answers ${readable(outcome)}`);
    return;
  }
  const real = "thrown" in outcome ? { thrown: outcome.thrown } : { value: plain(outcome.value) };
  const model = predicted instanceof Thrown ? { thrown: predicted.thrown } : { value: plain(predicted) };
  if (!isDeepStrictEqual(real, model)) throw new Mismatch(`it answers ${readable(real)}\n  by the model ${readable(model)}`);
}

/** Where nobody wrote behind everybody's back nothing is to be mended, and no id is without its task. */
function checkCalm(answer: unknown, mends: boolean): void {
  const told = brief(answer);
  if (mends ? told !== "{}" : /"dangling":[1-9]|"dangling"[^:]|"brokenQueues"/.test(told))
    throw new Mismatch(`nobody disturbed anything, and it answers ${told}`);
}

/** Every move is one that the table of transitions has for this operation. */
function checkMoves(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, by: readonly string[]): void {
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(key) ?? "none", after.get(key) ?? "none"];
    if (from === to) continue;
    const isThere = transitions.some((move) => move.from === from && move.to === to && by.includes(move.by));
    if (!isThere) throw new Mismatch(`${key} goes from ${from} to ${to}: no transition of ${by.join(", ") || "nothing"}`);
  }
}

function readable(value: unknown): string {
  return JSON.stringify(plain(value)) ?? "nothing";
}

/** An answer without what is nothing in it. */
function brief(value: unknown): string {
  const drop = (_: string, one: unknown): unknown =>
    one === 0 || one === false || (Array.isArray(one) && one.length === 0) ? undefined : one;
  return JSON.stringify(plain(value), drop) ?? "nothing";
}
