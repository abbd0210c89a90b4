import { flat } from "@asynqjs/core/invariants";

/** What a process is made of after a round of work, when nothing is left to be done. */
export interface Sample {
  /** How many tasks were done until then; as many more in each round. */
  readonly tasks: number;
  /** Of objects, not of code. */
  readonly heapBytes: number;
  /** Timers, sockets, threads and whatever else keeps a process alive, by Node's name for it; listeners; connections that Redis counts. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * More than so many bytes a task is a leak: a promise, a closure, an object with a field takes more. The heap goes up and down by some 100 kB,
 * so that few samples tell no less apart; of many samples more is asked.
 */
function mostBytesPerTask(samples: number): number {
  return samples >= 100 ? 16 : 64;
}

/**
 * What is up and down by the moment: a server that waits has a timer more than one that asks, and a connection that was killed is made again when it is
 * next needed. It grows when it is never again as low as it was high.
 */
const swaying: readonly string[] = ["Timeout", "connections"];

/** Says what grows: a count that ever differs from what it was at first, a heap to which each task leaves more than next to nothing. */
export function findGrowing(samples: readonly Sample[]): string[] {
  if (samples.length < 8) return ["too few samples"];
  const growing: string[] = [];
  for (const name of new Set(samples.flatMap(({ counts }) => Object.keys(counts)))) {
    const values = samples.map(({ counts }) => counts[name] ?? 0);
    const third = Math.ceil(values.length / 3);
    const grew = swaying.includes(name)
      ? Math.min(...values.slice(-third)) > Math.max(...values.slice(0, third))
      : new Set(values).size > 1;
    if (grew) growing.push(`${name}: ${[...new Set(values)].join(", ")}`);
  }
  const tasks = samples.at(-1)!.tasks - samples[Math.floor(samples.length / 2)]!.tasks;
  const findings = flat(
    samples.map(({ heapBytes }) => ({ heapBytes })),
    { heapBytes: tasks * mostBytesPerTask(samples.length) },
  );
  return [...growing, ...findings.map(({ key, message }) => `${key} ${message}, for ${tasks} tasks`)];
}
