/** A histogram's counts for one set of labels. `counts[i]` are the values above `bounds[i - 1]` and up to `bounds[i]`; the last are above all. */
export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

interface Series {
  readonly counts: number[];
  count: number;
  sum: number;
}

/** So many types of a queue are told apart; what comes later is `other`: labels must not grow with what strangers enqueue. */
const maxTypesPerQueue = 200;
const otherType = "other";

/** Counts durations by queue and task type in a bounded room. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #queues = new Map<string, Map<string, Series>>();

  /** `bounds` are the upper ends of the buckets, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  observe(queue: string, type: string, value: number): void {
    let types = this.#queues.get(queue);
    if (types === undefined) {
      types = new Map();
      this.#queues.set(queue, types);
    }
    const known = types.has(type) || types.size < maxTypesPerQueue ? type : otherType;
    let series = types.get(known);
    if (series === undefined) {
      series = { counts: new Array<number>(this.#bounds.length + 1).fill(0), count: 0, sum: 0 };
      types.set(known, series);
    }
    let bucket = 0;
    while (value > this.#bounds[bucket]!) bucket++;
    series.counts[bucket]!++;
    series.count++;
    series.sum += value;
  }

  /** A copy of what was counted so far, labelled `queue` and `type`. */
  snapshot(): HistogramSeries[] {
    return [...this.#queues].flatMap(([queue, types]) =>
      [...types].map(([type, { counts, count, sum }]) => ({
        labels: { queue, type },
        bounds: this.#bounds,
        counts: [...counts],
        count,
        sum,
      })),
    );
  }
}
