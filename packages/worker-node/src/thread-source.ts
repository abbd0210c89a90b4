/**
 * What `new Worker` starts as the heartbeat thread. The build puts the thread's whole code here as a string, so that a bundler finds no file
 * that it would have to carry along.
 */
export function threadSource(): { readonly entry: string | URL; readonly eval: boolean } {
  return { entry: new URL("./heartbeat-thread.ts", import.meta.url), eval: false };
}
