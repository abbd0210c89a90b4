import { GoPeer } from "../go-peer.ts";
import type { GoVersion } from "../go-programs.ts";
import { act, momentOf, nameIn } from "./act.ts";
import { isDefaultDelay } from "./default-delay.ts";
import { even } from "./difference-parts.ts";
import { type Difference, findDifferences } from "./differences.ts";
import type { Comparison, ExceptionUse, Mends } from "./exceptions.ts";
import { GoSide } from "./go-side.ts";
import { describeMove, type Move, type Queue } from "./moves.ts";
import { OurSide } from "./our-side.ts";
import { checkTime, secondsPassed, Untimely, untilEarlyInSecond } from "./seconds.ts";
import type { Work } from "./side.ts";
import { allowFor, noSlack, type Slack } from "./slack.ts";
import { openDatabase, type Snapshot, takeSnapshot } from "./snapshot.ts";

export interface LaneOptions {
  readonly version: GoVersion;
  /** The Go program. */
  readonly file: string;
  /** Two databases of one Redis. */
  readonly redisUrls: readonly [go: string, ours: string];
  /** Makes ids that no other lane has: cancelations reach all databases. */
  readonly name: string;
  readonly exceptions: ExceptionUse;
  /** Whether failed tasks wait a time that is the same on both sides; else as long as Asynq has it, of which only the bounds are compared. */
  readonly fixedDelay: boolean;
}

/** What was done when the two are compared. */
type Done = Pick<Comparison, "move" | "step" | "nowSec">;

/** Two databases in which the same is done, by Go in one and by us in the other, and that are compared after each move. */
export class Lane {
  readonly go: GoSide;
  readonly ours: OurSide;
  /** Go in either database. */
  readonly peers: { readonly go: GoPeer; readonly ours: GoPeer };
  /** Moves made, and those of Go's during which a second ended. */
  moves = 0;
  crossed = 0;
  readonly #options: LaneOptions;
  #slack: Slack = noSlack();
  #before!: Comparison["before"];

  constructor(options: LaneOptions) {
    const { version, file, redisUrls } = options;
    this.#options = options;
    this.peers = { go: new GoPeer(file, redisUrls[0]), ours: new GoPeer(file, redisUrls[1]) };
    this.go = new GoSide(this.peers.go, openDatabase(redisUrls[0]), version);
    this.ours = new OurSide(openDatabase(redisUrls[1]), version);
  }

  /**
   * Plays a history in databases that are empty; answers whether it came to its end, which it does not when the machine was too slow for it:
   * then it is to be played again.
   */
  async isPlayed(history: () => Promise<void>): Promise<boolean> {
    await this.#begin();
    try {
      await history();
      return true;
    } catch (error) {
      if (error instanceof Untimely) return false;
      throw error;
    }
  }

  async #begin(): Promise<void> {
    await Promise.all([this.go.database.redis.flushdb(), this.ours.database.redis.flushdb()]);
    this.ours.settings = {};
    await Promise.all([this.go.renew(true), this.ours.renew(true)]);
    this.#slack = noSlack();
    const nothing: Snapshot = { keys: {}, expiresAtMs: {} };
    this.#before = { go: nothing, ours: nothing };
  }

  /**
   * Makes a move on both sides and compares what they answered and what is kept now.
   * @throws {Untimely}
   * @throws {Error} they differ in what no exception allows
   */
  async make(move: Move): Promise<void> {
    this.moves++;
    await untilEarlyInSecond(move.move === "work" ? 700 : 950);
    const startMs = Date.now();
    const moment = momentOf(move, startMs, this.#options.name, this.#options.fixedDelay);
    const answeredByGo = await act(this.go, this.peers.go, move, moment, this.#options.name);
    const goEndMs = Date.now();
    checkTime(move, startMs, goEndMs);
    this.ours.setClock(startMs);
    const answeredByUs = await act(this.ours, this.peers.ours, move, moment, this.#options.name);
    if (move.move === "work") checkTime(move, goEndMs, Date.now());
    if (allowFor(this.#slack, move, startMs, goEndMs) > 0) this.crossed++;
    const done = { move, nowSec: Math.floor(startMs / 1000) };
    if (move.move === "work") {
      const [inGo, inOurs] = [answeredByGo, answeredByUs] as (Snapshot | undefined)[];
      if (inGo !== undefined && inOurs !== undefined) this.#compare(inGo, inOurs, done);
    } else if (JSON.stringify(answeredByGo) !== JSON.stringify(answeredByUs)) {
      throw new Error(`${describeMove(move)}: Go answers ${JSON.stringify(answeredByGo)}, we ${JSON.stringify(answeredByUs)}`);
    }
    if (move.move === "deleteQueue") await Promise.all([this.go.renew(false), this.ours.renew(false)]);
    await this.#look(done);
    // What follows then has a later second on both sides.
    if (secondsPassed(startMs, goEndMs) > 0) await untilEarlyInSecond(0);
  }

  /** Does something else in either database, known to the exceptions by its name, and compares. */
  async step(name: string, onGo: () => Promise<unknown>, onOurs: () => Promise<unknown>): Promise<void> {
    await untilEarlyInSecond(700);
    const startMs = Date.now();
    await onGo();
    const goEndMs = Date.now();
    this.ours.setClock(startMs);
    await onOurs();
    allowFor(this.#slack, undefined, startMs, goEndMs);
    await this.#look({ step: name, nowSec: Math.floor(startMs / 1000) });
  }

  /** A server of one side alone works until nothing is left to do, within a step. */
  workAlone(side: "go" | "ours", more: Partial<Work> = {}): Promise<unknown> {
    const move: Work = { move: "work", whileHeld: "nothing", groupMaxSize: undefined, ...more };
    return this[side].work(move, momentOf(move, Date.now(), this.#options.name, this.#options.fixedDelay));
  }

  /** The same command in both databases. */
  async both(name: string, ...words: readonly (string | Buffer)[]): Promise<void> {
    const call = (side: GoSide | OurSide) => (): Promise<unknown> => side.database.redis.call(name, ...words);
    await this.step(name, call(this.go), call(this.ours));
  }

  /** The id that stands for a name here. */
  nameOf(id: string, queue: Queue): string {
    return nameIn(this.#options.name, id, queue);
  }

  async end(): Promise<void> {
    await Promise.all([this.peers.go.end(), this.peers.ours.end()]);
    await Promise.all([this.go.database.redis.quit(), this.ours.database.redis.quit()]);
  }

  /** Compares what is kept now; what was allowed and would lead the two apart is made even. */
  async #look(done: Done): Promise<void> {
    const [inGo, inOurs] = await Promise.all([takeSnapshot(this.go.database), takeSnapshot(this.ours.database)]);
    const mends = this.#compare(inGo, inOurs, done);
    const { redis } = this.go.database;
    for (const [name, ...words] of mends) await redis.call(name!, ...words.map((word) => Buffer.from(word, "latin1")));
    this.#before = { go: mends.length === 0 ? inGo : await takeSnapshot(this.go.database), ours: inOurs };
  }

  #compare(go: Snapshot, ours: Snapshot, done: Done): Mends {
    const { exceptions, fixedDelay } = this.#options;
    const at: Comparison = { ...done, go, ours, before: this.#before, slackSec: this.#slack.sec };
    const differences = findDifferences(go, ours, this.#slack);
    const drawn = fixedDelay ? [] : differences.filter((difference) => isDefaultDelay(difference, at));
    const { left, mends } = exceptions.takeOut(
      differences.filter((difference) => !drawn.includes(difference)),
      at,
    );
    if (left.length === 0) return [...mends, ...drawn.flatMap((difference) => even(difference, at))];
    const told = left.slice(0, 30).map(describeDifference).join("\n");
    throw new Error(`after ${done.move === undefined ? done.step : describeMove(done.move)}:\n${told}`);
  }
}

function describeDifference({ key, part, name, field, go, ours }: Difference): string {
  const where = [part, name, field].filter((word) => word !== undefined).join(" ");
  return `  ${key}: ${where}: Go ${shown(go)}, we ${shown(ours)}`;
}

function shown(value: string | undefined): string {
  return value === undefined ? "nothing" : JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value);
}
