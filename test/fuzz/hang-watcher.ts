/** The thread of `watch-for-hangs.ts`. */
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";

const { now, name, seed, mostMs, pid } = workerData as { now: Int32Array; name: string; seed: number; mostMs: number; pid: number };

let seen = -1;
let sinceMs = performance.now();
setInterval(() => {
  const input = Atomics.load(now, 0);
  if (input !== seen) {
    seen = input;
    sinceMs = performance.now();
  } else if (performance.now() - sinceMs > mostMs) {
    const again = `npm run fuzz -- --only ${name} --seed ${seed} --from ${input} --inputs 1`;
    writeSync(2, `${name}: input ${input} did not end within ${mostMs / 1000} s; seen again by: ${again}\n`);
    process.kill(pid, "SIGKILL");
  }
}, 1_000);
