/** Milliseconds on a clock that never jumps and that all threads of the process share, as `performance.now()` is not. */
export function processMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
