/** What a bundle may weigh beyond an empty Worker, with client-edge as it is published: minified by wrangler, gzip -9. */
export interface Budget {
  /** The Worker's entry, from the top of the workspace. */
  readonly entry: string;
  readonly maxGzipBytes: number;
}

export const budgets: readonly Budget[] = [
  // A Worker that only enqueues, over the fetch transport. The goal is 8,000.
  { entry: "test/edge/min.ts", maxGzipBytes: 8_380 },
  // The same by an instance of @upstash/redis, which weighs 20,587 by itself. The goal is 25,000.
  { entry: "test/edge/min-upstash.ts", maxGzipBytes: 28_910 },
];
