import { type RedisError, systemRandom } from "@asynqjs/core";
import { wayFailed } from "@asynqjs/core/redis/ioredis";
import type { Connection } from "./connection.ts";

/** A connection that lasted no longer is no sign that the next one will: that is made up to as long after it, unless it is asked for. */
const shortLifeMs = 1_000;
/** How soon one is made that is known to lead elsewhere. */
const renewWithinMs = 100;

/** What a link tells. */
export interface LinkEvents {
  /** There is a connection. */
  readonly onOpen: (connection: Connection) => void;
  /** That connection is no more. */
  readonly onClose?: () => void;
  /** None could be made, or not yet. */
  readonly onFail?: (error: RedisError) => void;
}

export interface LinkOptions {
  /** Whether a connection that was lost is needed again at once: by who hears over it, and asks nothing meanwhile. Default false. */
  readonly stays?: boolean;
  /** The longest wait before a connection is tried again. Default 1,000. */
  readonly longestBackOffMs?: number;
}

/**
 * A connection that is made when it is first needed, and anew when it broke and is needed again, with a growing wait in between. Nobody ever
 * waits for it: what cannot be sent now is not sent.
 */
export class Link {
  readonly #open: (signal: AbortSignal) => Promise<Connection>;
  readonly #events: LinkEvents;
  readonly #stays: boolean;
  readonly #longestBackOffMs: number;
  #connection: Connection | undefined;
  #opening: AbortController | undefined;
  #openedAtMs = 0;
  #failures = 0;
  #notBeforeMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #why: RedisError | undefined;
  #ended = false;

  constructor(open: (signal: AbortSignal) => Promise<Connection>, events: LinkEvents, options: LinkOptions = {}) {
    this.#open = open;
    this.#events = events;
    this.#stays = options.stays ?? false;
    this.#longestBackOffMs = options.longestBackOffMs ?? 1_000;
  }

  /** Whether there is a connection now. */
  get ready(): boolean {
    return this.#connection?.open === true;
  }

  /**
   * The connection; where there is none, begins to make one.
   * @throws {RedisError} there is none now, or why the last try to make one failed
   */
  get(): Connection {
    if (this.#connection?.open === true) return this.#connection;
    if (performance.now() >= this.#notBeforeMs) this.begin();
    throw this.#why ?? wayFailed("there is no connection yet", "no");
  }

  /** Breaks the connection, also one that is being made: the next `get` begins anew. */
  drop(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.abort();
    if (this.#connection !== undefined) this.#connection.close();
    else if (opening !== undefined) this.#comeBack();
  }

  /** Breaks it, and soon makes another, since that will lead elsewhere: whatever failed before says nothing about it. */
  renew(): void {
    this.drop();
    this.#failures = 0;
    // Many hear of a new master at once: not all of them shall ask for it at once.
    this.#notBeforeMs = performance.now() + systemRandom.float() * renewWithinMs;
    this.#beginLater(0);
  }

  /** Ends it for good. */
  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.drop();
  }

  /** Begins to make one, unless there is one or will be. */
  begin(): void {
    if (this.#ended || this.#opening !== undefined || this.#connection !== undefined) return;
    clearTimeout(this.#timer);
    const opening = new AbortController();
    this.#opening = opening;
    this.#open(opening.signal).then(
      (connection) => {
        if (this.#opening !== opening) return connection.close();
        this.#opening = undefined;
        this.#openedAtMs = performance.now();
        this.#failures = 0;
        this.#why = undefined;
        this.#connection = connection;
        connection.onClose = () => this.#lost();
        // It may have closed between its last answer and now.
        if (!connection.open) return this.#lost();
        this.#events.onOpen(connection);
      },
      (error: RedisError) => {
        if (this.#opening !== opening) return;
        this.#opening = undefined;
        this.#why = error;
        // Full jitter, so that many processes do not come back at the same moment.
        this.#notBeforeMs = performance.now() + systemRandom.float() * Math.min(this.#longestBackOffMs, 50 * 2 ** this.#failures++);
        this.#events.onFail?.(error);
        this.#comeBack();
      },
    );
  }

  #lost(): void {
    this.#connection = undefined;
    this.#events.onClose?.();
    const lasted = performance.now() - this.#openedAtMs > shortLifeMs;
    this.#comeBack(lasted ? 0 : systemRandom.float() * shortLifeMs);
  }

  #comeBack(afterMs = 0): void {
    if (this.#stays) this.#beginLater(afterMs);
  }

  #beginLater(afterMs: number): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.begin(), Math.max(afterMs, this.#notBeforeMs - performance.now()));
  }
}
