import { seededRandom } from "@asynqjs/core/testing";

/** Chance of one input: the same for the same seed and number, whatever came before it. */
export class Chance {
  readonly #float: () => number;

  constructor(seed: number, input: number) {
    // Neighbours must not resemble each other, nor must seeds that differ by one.
    let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(input + 1, 0xc2b2ae35);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x27d4eb2f);
    this.#float = seededRandom(mixed ^ (mixed >>> 15)).float;
  }

  /** A whole number from 0 to `below - 1`. */
  below(below: number): number {
    return Math.floor(this.#float() * below);
  }

  oneIn(times: number): boolean {
    return this.#float() * times < 1;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** A whole number from 0 to `most`, a small one more often than a large one. */
  small(most: number): number {
    return Math.floor(this.#float() ** 3 * (most + 1));
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#float() * 256;
    return bytes;
  }
}
