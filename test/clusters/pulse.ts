/** When something happened again and again. */
export class Pulse {
  readonly #beats: number[] = [];

  beat(): void {
    this.#beats.push(performance.now());
  }

  /** Whether it happened since then, of the monotonic clock. */
  since(fromMs: number): boolean {
    return (this.#beats.at(-1) ?? 0) > fromMs;
  }

  /** The longest time from `fromMs` until now in which nothing happened. */
  longestGapMs(fromMs: number): number {
    const times = [fromMs, ...this.#beats.filter((atMs) => atMs > fromMs), performance.now()];
    return times.reduce((longest, atMs, i) => (i === 0 ? 0 : Math.max(longest, atMs - times[i - 1]!)), 0);
  }
}
