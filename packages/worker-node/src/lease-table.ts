/**
 * The leases that a server holds, in memory that its heartbeat thread reads: to hold a lease and to forget it is to write a few bytes, which
 * wakes nobody, and what is held is there for the thread though the main thread is blocked in the next moment.
 * @module
 */
import type { HeldLease } from "./heartbeater.ts";

/** Where in the memory: whether the thread rests, and how long a row is. */
const [restsAt, rowBytesAt, headBytes] = [0, 1, 8];
/** Of a row: how often it was written (odd while it is), then the lengths of its texts and of its payload; then its numbers; then its bytes. */
const [versionAt, queueAt, idAt, typeAt, textAt, payloadAt] = [0, 1, 2, 3, 4, 5];
const [numbersAt, bytesAt] = [24, 72];
/** Of a row's numbers. */
const [handleAt, tokenAt, endsAt, deadlineAt, startedAt, runDeadlineAt, numbers] = [0, 1, 2, 3, 4, 5, 6];

/** What most tasks need: an id, a type and some hundred bytes of payload. */
const leastRowBytes = 512;
/** How often the thread looks again at a row that is just being written; the next beat sees it otherwise. */
const looksAtRow = 1_000;

/** One thread writes, the other reads. A handle is a number above 0 that stands for a lease; a free row has none. */
export class LeaseTable {
  readonly memory: SharedArrayBuffer;
  readonly rows: number;
  readonly rowBytes: number;
  readonly #ints: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Buffer;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#ints = new Int32Array(memory);
    this.#floats = new Float64Array(memory);
    this.#bytes = Buffer.from(memory);
    this.rowBytes = this.#ints[rowBytesAt]!;
    this.rows = (memory.byteLength - headBytes) / this.rowBytes;
  }

  /** An empty one. */
  static make(rows: number, rowBytes: number = leastRowBytes): LeaseTable {
    const memory = new SharedArrayBuffer(headBytes + rows * rowBytes);
    new Int32Array(memory)[rowBytesAt] = rowBytes;
    return new LeaseTable(memory);
  }

  /** Writes a row, its monotonic times shifted by `aheadMs`; answers whether there is room for the lease in it. */
  write(row: number, handle: number, lease: HeldLease, aheadMs: number): boolean {
    const { queue, id, token, endsAtMs, deadlineMs, run } = lease;
    if (this.rowBytes < bytesOf(lease)) return false;
    const start = this.#start(row);
    const [ints, floats] = [start / 4, (start + numbersAt) / 8];
    Atomics.add(this.#ints, ints + versionAt, 1);
    const at = start + bytesAt;
    // One after the other: put together first they were copied twice.
    let to = at + this.#bytes.write(queue, at);
    to += this.#bytes.write(id, to);
    to += this.#bytes.write(run.type, to);
    this.#bytes.set(run.payload, to);
    this.#ints[ints + queueAt] = queue.length;
    this.#ints[ints + idAt] = id.length;
    this.#ints[ints + typeAt] = run.type.length;
    this.#ints[ints + textAt] = to - at;
    this.#ints[ints + payloadAt] = run.payload.byteLength;
    this.#floats[floats + handleAt] = handle;
    this.#floats[floats + tokenAt] = token;
    this.#floats[floats + endsAt] = endsAtMs + aheadMs;
    this.#floats[floats + deadlineAt] = deadlineMs + aheadMs;
    this.#floats[floats + startedAt] = run.startedAtMs;
    this.#floats[floats + runDeadlineAt] = run.deadlineAtMs;
    Atomics.add(this.#ints, ints + versionAt, 1);
    return true;
  }

  clear(row: number): void {
    const start = this.#start(row);
    Atomics.add(this.#ints, start / 4 + versionAt, 1);
    this.#floats[(start + numbersAt) / 8 + handleAt] = 0;
    Atomics.add(this.#ints, start / 4 + versionAt, 1);
  }

  /**
   * The handles of all leases, each with how to read the rest of it, which answers nothing when it is another's by now. A row that is written
   * in this moment is looked at again until it stands.
   */
  *read(): Generator<{ readonly handle: number; readonly lease: () => Omit<HeldLease, "onLost"> | undefined }> {
    for (let row = 0; row < this.rows; row++) {
      const at = (this.#start(row) + numbersAt) / 8 + handleAt;
      const handle = this.#whole(row, () => this.#floats[at]!) ?? 0;
      if (handle > 0) yield { handle, lease: () => this.#lease(row, handle) };
    }
  }

  /** The thread rests as long as nothing is held. */
  rest(): void {
    Atomics.store(this.#ints, restsAt, 1);
  }

  /** Whether the thread rested until now, and has to be woken. */
  endRest(): boolean {
    return Atomics.exchange(this.#ints, restsAt, 0) === 1;
  }

  #lease(row: number, handle: number): Omit<HeldLease, "onLost"> | undefined {
    const start = this.#start(row);
    return this.#whole(row, () => {
      const length = (at: number): number => this.#ints[start / 4 + at]!;
      const [queueEnd, textEnd] = [length(queueAt), start + bytesAt + length(textAt)];
      const idEnd = queueEnd + length(idAt);
      const at = (start + numbersAt) / 8;
      const own = this.#floats.slice(at, at + numbers);
      if (own[handleAt] !== handle) return undefined;
      const text = this.#bytes.toString("utf8", start + bytesAt, textEnd);
      return {
        queue: text.slice(0, queueEnd),
        id: text.slice(queueEnd, idEnd),
        token: own[tokenAt]!,
        endsAtMs: own[endsAt]!,
        deadlineMs: own[deadlineAt]!,
        run: {
          type: text.slice(idEnd, idEnd + length(typeAt)),
          payload: new Uint8Array(this.#bytes.subarray(textEnd, textEnd + length(payloadAt))),
          startedAtMs: own[startedAt]!,
          deadlineAtMs: own[runDeadlineAt]!,
        },
      };
    });
  }

  /** Where its bytes begin. */
  #start(row: number): number {
    return headBytes + row * this.rowBytes;
  }

  /** What `read` answers of a row that was not written meanwhile; nothing where it never stood still. */
  #whole<T>(row: number, read: () => T): T | undefined {
    const version = this.#start(row) / 4 + versionAt;
    for (let look = 0; look < looksAtRow; look++) {
      const before = Atomics.load(this.#ints, version);
      if (before % 2 === 0) {
        const value = read();
        if (Atomics.load(this.#ints, version) === before) return value;
      }
    }
    return undefined;
  }
}

/** What a row takes, at most: no character takes more than three bytes for each of its places in a string. */
function bytesOf({ queue, id, run }: HeldLease): number {
  return bytesAt + 3 * (queue.length + id.length + run.type.length) + run.payload.byteLength;
}

/** How long rows must be that one of them may hold this. */
export function rowBytesFor(lease: HeldLease): number {
  return Math.max(leastRowBytes, 2 ** Math.ceil(Math.log2(bytesOf(lease))));
}
