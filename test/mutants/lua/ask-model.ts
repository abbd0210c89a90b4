import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Kill } from "./lane.ts";
import type { ModelEvent, ModelJob } from "./model-process.ts";

const entry = fileURLToPath(new URL("model-process.ts", import.meta.url));

/** A mutant may hold its process or Redis for so long in all. */
const limitMs = (steps: number): number => 30_000 + 50 * steps;

/** Runs random histories with each of the mutants: whom the model sees, and by what. */
export async function askModel({ mutants, steps, seed }: ModelJob): Promise<ReadonlyMap<number, Kill>> {
  const kills = new Map<number, Kill>();
  let left = [...mutants];
  while (left.length > 0) {
    const child = fork(entry, [JSON.stringify({ mutants: left, steps, seed } satisfies ModelJob)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const end = (): void => void child.kill("SIGKILL");
    let timer = setTimeout(end, limitMs(steps));
    let now: number | undefined;
    child.on("message", ({ mutant, why }: ModelEvent) => {
      clearTimeout(timer);
      timer = setTimeout(end, limitMs(steps));
      now = why === undefined ? mutant : undefined;
      if (why !== undefined) left = left.filter(({ id }) => id !== mutant);
      if (why !== undefined && why !== null) kills.set(mutant, { by: "the model", why });
    });
    await once(child, "exit");
    clearTimeout(timer);
    if (left.length === 0) break;
    if (now === undefined) throw new Error("a process of the model ended between two mutants");
    kills.set(now, { by: "the clock", why: "the model came to nothing with it" });
    left = left.filter(({ id }) => id !== now);
  }
  return kills;
}
