import { GatewayOptionError } from "./errors.ts";

/** How much one HTTP request may ask for. */
export interface GatewayLimits {
  /** Bytes of a request body; Upstash's own limit. Larger bodies are answered 413 while they arrive. @default 10_485_760 */
  readonly maxBodyBytes: number;
  /** Commands of one `/pipeline` or `/multi-exec`. Redis serves nobody else while it runs a transaction. @default 1_000 */
  readonly maxCommands: number;
  /** Milliseconds that Redis has for all commands of a request; then the answer is 504 and the commands may have run. @default 10_000 */
  readonly timeoutMs: number;
}

const defaultLimits: GatewayLimits = { maxBodyBytes: 10 * 1024 * 1024, maxCommands: 1_000, timeoutMs: 10_000 };

/** Beyond these Node cannot build the text of a body (bytes), or keep a timer (milliseconds). */
const ceilings: GatewayLimits = { maxBodyBytes: 256 * 1024 * 1024, maxCommands: 1_000_000, timeoutMs: 2 ** 31 - 1 };

/**
 * Fills in what was left out.
 *
 * @throws {GatewayOptionError} a limit is not a whole number from 1 to its ceiling.
 */
export function resolveLimits(limits: Partial<GatewayLimits> = {}): GatewayLimits {
  const limit = (name: keyof GatewayLimits): number => {
    const value = limits[name] ?? defaultLimits[name];
    if (!Number.isSafeInteger(value) || value < 1 || value > ceilings[name]) {
      throw new GatewayOptionError(`limits.${name}`, `a whole number from 1 to ${ceilings[name]}`);
    }
    return value;
  };
  return { maxBodyBytes: limit("maxBodyBytes"), maxCommands: limit("maxCommands"), timeoutMs: limit("timeoutMs") };
}
