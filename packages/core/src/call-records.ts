/**
 * The identity of every mutating call: `(client, lane, seq)`. A repeated call carries the same three, and the script answers it as it did
 * the first time, whoever repeated it (client, SDK, proxy, platform).
 * @module
 */
import type { Random } from "./clock.ts";
import type { RedisError } from "./errors.ts";
import { hex } from "./hex.ts";

/** What one call is known by, until its lane is given back: the next call of that lane counts on. */
export interface CallId {
  readonly client: string;
  readonly lane: number;
  seq: number;
}

/** How long a script remembers what it answered, seconds. A replay later than that may be carried out again. */
export const replayWindowSec = 300;

/**
 * Hands out call identities. A lane is held by exactly one call in flight; the free list grows and is never waited for. A lane goes back
 * when its call was answered; one whose answer never came is never used again.
 */
export class CallRecords {
  readonly #random: Random;
  /** Drawn at the first call: some runtimes forbid randomness while a module loads. */
  #client: string | undefined;
  #lanes = 0;
  readonly #free: CallId[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  take(): CallId {
    this.#client ??= hex(this.#random.bytes(16));
    const call = this.#free.pop() ?? { client: this.#client, lane: this.#lanes++, seq: 0 };
    call.seq++;
    return call;
  }

  /** The call ended so. Its lane may carry another, unless the answer to it was lost. */
  giveBack(call: CallId, error?: RedisError): void {
    if (!error || error.reply || error.delivered === "no") this.#free.push(call);
  }
}
