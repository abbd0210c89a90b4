import type { Broker } from "../broker.ts";
import { queuePrefix } from "../keys.ts";
import type { SendOptions } from "../redis.ts";
import { sendPlain } from "../send-plain.ts";
import { decodeText } from "../verdicts.ts";

export type ListName = "pending" | "active";

/** Reads so many ids of a list at once. */
const idsPerRead = 1_000;

/**
 * Reads a whole list; answers how often an id is in it. Of each id it keeps a number alone, eight bytes or sixteen. Reads only.
 * @throws {RedisError}
 */
export async function readList(
  { redis, random }: Broker,
  queue: string,
  list: ListName,
  options: SendOptions,
): Promise<(id: string) => number> {
  const key = queuePrefix(queue) + list;
  // Two ids of one number, one in ten thousand lists of a million, have two when the list is read again.
  const seed = Math.floor(random.float() * 2 ** 32);
  const [size] = await sendPlain(redis, [["LLEN", key]], options);
  let table = new NumberCounts((size as number) + idsPerRead);
  for (let start = 0, read = idsPerRead; read === idsPerRead; start += idsPerRead) {
    const [ids] = await sendPlain(redis, [["LRANGE", key, String(start), String(start + idsPerRead - 1)]], options);
    read = (ids as readonly Uint8Array[]).length;
    if (table.isFull(read)) table = table.larger();
    for (const id of ids as readonly Uint8Array[]) table.add(numberOf(decodeText(id), seed));
  }
  return (id) => table.count(numberOf(id, seed));
}

/** Counts numbers above 0, in one array. */
class NumberCounts {
  readonly #slots: Float64Array;
  readonly #again = new Map<number, number>();
  #size = 0;

  constructor(size: number) {
    this.#slots = new Float64Array(2 ** Math.ceil(Math.log2(size * 1.5)));
  }

  isFull(more: number): boolean {
    return (this.#size + more) * 1.2 > this.#slots.length;
  }

  larger(): NumberCounts {
    const larger = new NumberCounts(this.#slots.length * 2);
    for (const number of this.#slots) if (number > 0) for (let n = this.count(number); n > 0; n--) larger.add(number);
    return larger;
  }

  add(number: number): void {
    const at = this.#find(number);
    if (this.#slots[at] === 0) this.#size++;
    else this.#again.set(number, (this.#again.get(number) ?? 0) + 1);
    this.#slots[at] = number;
  }

  count(number: number): number {
    return this.#slots[this.#find(number)] === 0 ? 0 : 1 + (this.#again.get(number) ?? 0);
  }

  /** Where it is, or would be. */
  #find(number: number): number {
    const last = this.#slots.length - 1;
    let at = number % this.#slots.length;
    while (this.#slots[at] !== 0 && this.#slots[at] !== number) at = (at + 1) & last;
    return at;
  }
}

/** A number from 1 to 2⁵³ for a text: two multiplicative hashes side by side (cyrb53). */
function numberOf(text: string, seed: number): number {
  let a = 0xdeadbeef ^ seed;
  let b = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b & 0x1fffff) * 2 ** 32 + (a >>> 0) + 1;
}
