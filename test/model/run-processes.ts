import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ModelOptions, ModelResult } from "./run-model.ts";

export interface ProcessesOptions extends Omit<ModelOptions, "redisUrl"> {
  /** How many processes share the steps, each with a Redis of its own. */
  readonly processes: number;
}

const entry = fileURLToPath(new URL("model-process.ts", import.meta.url));

/** Runs the model in several processes at once; the sum of what they did, and the first failure. */
export async function runModelProcesses({ processes, steps, seed, ...options }: ProcessesOptions): Promise<ModelResult> {
  const children = Array.from({ length: processes }, (_, i) => {
    // Far apart, so that they do not walk over each other's seeds.
    const own = { ...options, steps: Math.ceil(steps / processes), seed: (seed + i * 1_000_003) % 2 ** 31 };
    return fork(entry, [JSON.stringify(own)], { stdio: "inherit" });
  });
  const end = (): void => {
    for (const child of children) child.kill("SIGKILL");
  };
  try {
    const results = await Promise.all(
      children.map(async (child): Promise<ModelResult> => {
        const gone = once(child, "exit").then(([code]) => {
          throw new Error(`a process of the model ended with ${code}`);
        });
        const [result] = (await Promise.race([once(child, "message"), gone])) as [ModelResult];
        gone.catch(() => {});
        return result;
      }),
    );
    return {
      steps: results.reduce((sum, result) => sum + result.steps, 0),
      histories: results.reduce((sum, result) => sum + result.histories, 0),
      elapsedMs: Math.max(...results.map(({ elapsedMs }) => elapsedMs)),
      failure: results.find(({ failure }) => failure !== undefined)?.failure,
    };
  } finally {
    end();
  }
}
