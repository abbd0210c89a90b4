import { type RedisError, systemRandom } from "@asynqjs/core";
import { wayFailed } from "@asynqjs/core/redis/ioredis";
import type { Connection } from "./connection.ts";

/** The longest wait before a connection is tried again. */
const longestBackOffMs = 2_000;

/**
 * A connection that is made when it is first needed, and anew when it broke and is needed again, with a growing wait in between. Nobody ever
 * waits for it: what cannot be sent now is not sent.
 */
export class Link {
  readonly #open: (signal: AbortSignal) => Promise<Connection>;
  readonly #onOpen: () => void;
  #connection: Connection | undefined;
  #opening: AbortController | undefined;
  #failures = 0;
  #notBeforeMs = 0;
  #why: RedisError | undefined;
  #ended = false;

  /** `onOpen` is told each time there is a connection. */
  constructor(open: (signal: AbortSignal) => Promise<Connection>, onOpen: () => void) {
    this.#open = open;
    this.#onOpen = onOpen;
  }

  /**
   * The connection; where there is none, begins to make one.
   * @throws {RedisError} there is none now, or why the last try to make one failed
   */
  get(): Connection {
    if (this.#connection?.open === true) return this.#connection;
    if (this.#opening === undefined && !this.#ended && performance.now() >= this.#notBeforeMs) this.#begin();
    throw this.#why ?? wayFailed("there is no connection yet", "no");
  }

  /** Breaks the connection, also one that is being made: the next `get` begins anew. */
  drop(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.abort();
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Ends it for good. */
  close(): void {
    this.#ended = true;
    this.drop();
  }

  #begin(): void {
    const opening = new AbortController();
    this.#opening = opening;
    this.#open(opening.signal).then(
      (connection) => {
        if (this.#opening !== opening) return connection.close();
        this.#opening = undefined;
        this.#connection = connection;
        this.#failures = 0;
        this.#why = undefined;
        this.#onOpen();
      },
      (error: RedisError) => {
        if (this.#opening !== opening) return;
        this.#opening = undefined;
        this.#why = error;
        // Full jitter, so that many processes do not come back at the same moment.
        this.#notBeforeMs = performance.now() + systemRandom.float() * Math.min(longestBackOffMs, 50 * 2 ** this.#failures++);
      },
    );
  }
}
