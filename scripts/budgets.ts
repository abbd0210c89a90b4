/** What a bundle may weigh beyond an empty Worker: minified by wrangler, gzip -9. */
export interface Budget {
  /** The Worker's entry, from the top of the workspace. */
  readonly entry: string;
  readonly maxGzipBytes: number;
}

export const budgets: readonly Budget[] = [
  // A Worker that only enqueues, over the fetch transport. The goal is 8,000; 1,950 of what it weighs are the MD5 of unique keys.
  { entry: "test/edge/min.ts", maxGzipBytes: 13_000 },
];
