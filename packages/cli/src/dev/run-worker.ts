import path from "node:path";
import { lineOf } from "../exit-codes.ts";
import { untilAborted } from "../until-aborted.ts";
import type { Changes } from "./changes.ts";
import type { Child } from "./child.ts";
import type { Say } from "./say.ts";

export interface WorkerOptions {
  readonly file: string;
  readonly cwd: string;
  /** May throw: what it finds in the `.env` is its user's. */
  readonly start: () => Child;
  readonly changes: Changes;
  readonly say: Say;
  /** Stops it: what it runs is finished or handed back. */
  readonly signal: AbortSignal;
}

/** A server of ours takes up to 8 s to end, and what it asks of Redis a little more. */
const patienceMs = 12_000;

/** Runs the worker until the signal: started anew whenever a file changes, and, where it ended by itself, not before one does. */
export async function runWorker({ file, cwd, start, changes, say, signal }: WorkerOptions): Promise<void> {
  const stopped = untilAborted(signal);
  const startOr = (tell: (error: unknown) => void): Child | undefined => {
    try {
      return start();
    } catch (error) {
      tell(error);
      return undefined;
    }
  };
  const nameOf = (changed: string): string => path.relative(cwd, changed);
  let why = "";
  while (!signal.aborted) {
    changes.forget();
    const worker = startOr((error) => say.error("worker", `${lineOf(error)}; the worker is started when a file changes`));
    if (worker === undefined) {
      await Promise.race([stopped, changes.next()]);
      continue;
    }
    say("worker", `${nameOf(file)} started${why} (process ${worker.pid})`);
    const changed = changes.next();
    const happened = await Promise.race([stopped, changed, worker.gone]);
    if (typeof happened === "object") {
      say.error("worker", `ended (${happened.how}); it is started again when a file changes`);
      const next = await Promise.race([stopped, changed]);
      why = ` again, ${nameOf(next)} changed`;
      continue;
    }
    if (happened !== "stopped") {
      say("worker", `${nameOf(happened)} changed: the worker finishes what it runs`);
      why = " anew";
    }
    if (await worker.stop(patienceMs)) say.error("worker", `did not end within ${patienceMs / 1000} s and was killed`);
  }
}
