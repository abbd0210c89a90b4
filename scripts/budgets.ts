/** What a bundle may weigh beyond an empty Worker: minified by wrangler, gzip -9. */
export interface Budget {
  /** The Worker's entry, from the top of the workspace. */
  readonly entry: string;
  readonly maxGzipBytes: number;
}

export const budgets: readonly Budget[] = [
  // A Worker that only enqueues, over the fetch transport.
  { entry: "test/edge/min.ts", maxGzipBytes: 8_000 },
];
