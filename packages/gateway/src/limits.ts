import { GatewayOptionError } from "./errors.ts";

/** How much clients may ask for. */
export interface GatewayLimits {
  /** Bytes of a request body; Upstash's own limit. Larger bodies are answered 413 while they arrive. @default 10_485_760 */
  readonly maxBodyBytes: number;
  /** Bytes of all request bodies that are held at a time, until they are answered; what would be more is answered 429. @default 268_435_456 */
  readonly maxBufferedBytes: number;
  /** Milliseconds that a request body has to arrive; then the answer is 408. @default 10_000 */
  readonly bodyTimeoutMs: number;
  /** Commands of one `/pipeline` or `/multi-exec`. Redis serves nobody else while it runs a transaction. @default 1_000 */
  readonly maxCommands: number;
  /** Milliseconds that Redis has for all commands of a request; then the answer is 504 and the commands may have run. @default 10_000 */
  readonly timeoutMs: number;
  /** Streams of `/subscribe` and `/psubscribe` open at a time; one more is answered 429. @default 1_000 */
  readonly maxStreams: number;
  /** Bytes that may wait for a client that reads its stream slowly; then its stream ends. @default 1_048_576 */
  readonly maxStreamBytes: number;
  /** Connections of clients open at a time, each about 20 kB while it is idle; one more is closed at once. @default 10_000 */
  readonly maxConnections: number;
}

const defaultLimits: GatewayLimits = {
  maxBodyBytes: 10 * 1024 * 1024,
  maxBufferedBytes: 256 * 1024 * 1024,
  bodyTimeoutMs: 10_000,
  maxCommands: 1_000,
  timeoutMs: 10_000,
  maxStreams: 1_000,
  maxStreamBytes: 1024 * 1024,
  maxConnections: 10_000,
};

/** Beyond these Node cannot build the text of a body (bytes), or keep a timer (milliseconds). */
const ceilings: GatewayLimits = {
  maxBodyBytes: 256 * 1024 * 1024,
  maxBufferedBytes: Number.MAX_SAFE_INTEGER,
  bodyTimeoutMs: 2 ** 31 - 1,
  maxCommands: 1_000_000,
  timeoutMs: 2 ** 31 - 1,
  maxStreams: 1_000_000,
  maxStreamBytes: 256 * 1024 * 1024,
  maxConnections: 1_000_000,
};

/** The names of all limits, in the order in which they are told. */
export const limitNames: readonly (keyof GatewayLimits)[] = Object.keys(defaultLimits) as (keyof GatewayLimits)[];

/**
 * Fills in what was left out.
 *
 * @throws {GatewayOptionError} a limit is not a whole number from 1 to its ceiling.
 */
export function resolveLimits(limits: Partial<GatewayLimits> = {}): GatewayLimits {
  const resolved = { ...defaultLimits };
  for (const name of limitNames) {
    const value = limits[name] ?? defaultLimits[name];
    if (!Number.isSafeInteger(value) || value < 1 || value > ceilings[name]) {
      throw new GatewayOptionError(`limits.${name}`, `a whole number from 1 to ${ceilings[name]}`);
    }
    Object.assign(resolved, { [name]: value });
  }
  return resolved;
}
