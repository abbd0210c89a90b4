import type { GoPeer } from "../go-peer.ts";
import type { GoVersion } from "../go-programs.ts";
import { driveServer } from "./drive-server.ts";
import { type Move, queuePriorities } from "./moves.ts";
import { passTime } from "./pass-time.ts";
import { janitorIsQuick, type Moment, type Side, type Work } from "./side.ts";
import type { Database, Snapshot } from "./snapshot.ts";

/** Go's client, inspector and server, all of Asynq's public API. */
export class GoSide implements Side {
  readonly database: Database;
  readonly #peer: GoPeer;
  readonly #version: GoVersion;

  constructor(peer: GoPeer, database: Database, version: GoVersion) {
    this.database = database;
    this.#peer = peer;
    this.#version = version;
  }

  async renew(begins: boolean): Promise<void> {
    await this.#peer.renew(begins);
  }

  async enqueue({ tasks }: Extract<Move, { move: "enqueue" }>, { queue, optionsOf, idOf }: Moment): Promise<readonly string[]> {
    const enqueued = await this.#peer.enqueue(
      ...tasks.map((task) => ({
        type: task.type,
        payload: task.payload,
        options: { ...optionsOf(task), queue },
        chance: idOf(task).chance,
      })),
    );
    return enqueued.map(({ result, error }) => error ?? result.state);
  }

  pass(sec: number): Promise<void> {
    return passTime(this.database.redis, sec);
  }

  async pause(queue: string): Promise<void> {
    await this.#peer.act("pause", { queue }).catch(() => {});
  }

  async unpause(queue: string): Promise<void> {
    await this.#peer.act("unpause", { queue }).catch(() => {});
  }

  async cancel(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#peer.act("cancel", { id });
  }

  work(move: Work, moment: Moment): Promise<Snapshot | undefined> {
    let ended: Promise<void> | undefined;
    return driveServer(this, move, moment, {
      start: () =>
        this.#peer.startSession({
          queues: queuePriorities,
          fixedDelay: moment.fixedDelay,
          aggregate: move.groupMaxSize !== undefined,
          groupMaxSize: move.groupMaxSize ?? 0,
          shutdownTimeoutMs: move.whileHeld === "shut-down" ? 10 : 20_000,
        }),
      release: () => this.#peer.release(),
      shutdown: () => {
        ended ??= this.#peer.endSession();
        return ended;
      },
      quiet: { deletesCompleted: janitorIsQuick(this.#version), trimsArchive: false },
    });
  }
}
