import type { RedisError, Reply } from "@asynqjs/core";
import type { HostPort } from "@asynqjs/core/redis/ioredis";

/** Which master has which slot, as far as we were told. */
export class SlotMap {
  readonly #ranges: readonly { readonly from: number; readonly to: number; readonly master: HostPort }[];
  /** What a redirection told since. */
  readonly #moved = new Map<number, HostPort>();

  /** Reads the answer of CLUSTER SLOTS. A master that names no host is at the one that was asked. */
  constructor(slots: Reply, asked: HostPort) {
    this.#ranges = (slots as readonly [number, number, readonly [Uint8Array | null, number]][]).map(([from, to, [host, port]]) => ({
      ...{ from, to },
      master: { host: (host === null ? "" : Buffer.from(host).toString()) || asked.host, port },
    }));
  }

  /** Whose a slot is; a command without one is anybody's. */
  masterOf(slot: number | undefined): HostPort | undefined {
    if (slot === undefined) return this.#ranges[0]?.master;
    return this.#moved.get(slot) ?? this.#ranges.find(({ from, to }) => from <= slot && slot <= to)?.master;
  }

  move(slot: number, to: HostPort): void {
    this.#moved.set(slot, to);
  }

  masters(): HostPort[] {
    return [...this.#ranges.map(({ master }) => master), ...this.#moved.values()];
  }
}

/** Where an error reply sends its command: for good (`MOVED`) or this time (`ASK`). */
export interface Redirection {
  readonly kind: "MOVED" | "ASK";
  readonly slot: number;
  readonly to: HostPort;
}

/** Reads the refusal `MOVED 3999 127.0.0.1:6381`, `ASK …`; `undefined` for any other error. */
export function readRedirection({ message }: RedisError, asked: HostPort): Redirection | undefined {
  const match = /^redis refused: (MOVED|ASK) (\d+) (.*):(\d+)$/.exec(message);
  if (match === null) return undefined;
  return { kind: match[1] as Redirection["kind"], slot: Number(match[2]), to: { host: match[3] || asked.host, port: Number(match[4]) } };
}
