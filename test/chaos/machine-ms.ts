/** Milliseconds on a clock that never jumps and that all processes of the machine share, as `performance.now()` is not. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
