import { createHash } from "node:crypto";
import { type Clock, type GroupAggregator, Task } from "@asynqjs/core";
import { type HandlerFunc, HandlerNotFoundError, RevokeTask, Semaphore, SkipRetry } from "@asynqjs/worker-node";

/** Does what the first word of the payload says, as Go's handler does; `release` lets go of what it holds. */
export function makeHandler(redisUrl: string, clock: Clock): { readonly handler: HandlerFunc; release(): void } {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler: HandlerFunc = async (task) => {
    const bytes = Buffer.from(task.payload);
    const [word = "", text = "", rest = ""] = splitWords(bytes.toString("latin1"));
    const said = Buffer.from(text, "latin1").toString();
    switch (word) {
      case "fail":
        throw new Error(said);
      case "fail-long":
        throw new Error("ü".repeat(Number(said)));
      case "fail-until":
        if (task.retryCount < Number(said)) throw new Error("not yet");
        break;
      case "skip":
        throw new SkipRetry(`${said}: skip retry for the task`);
      case "revoke":
        throw new RevokeTask(`${said}: revoke task`);
      case "panic":
        throw new Error(said);
      case "acquire": {
        const semaphore = new Semaphore(redisUrl, said, 1, { clock });
        await task.resultWriter.write((await semaphore.acquire(task)) ? "acquired" : "full");
        await semaphore.close();
        break;
      }
      case "unknown":
        throw new HandlerNotFoundError(task.type);
      case "result":
      case "result-fail":
        await task.resultWriter.write("first");
        await task.resultWriter.write(Buffer.from(rest, "latin1"));
        if (word === "result-fail") throw new Error(said);
        break;
      case "log":
        await task.logWriter.log(said);
        break;
      case "hold":
        await Promise.race([released, aborted(task.signal)]);
        break;
      case "late":
        await aborted(task.signal);
    }
  };
  return { handler, release };
}

/** In three, as Go's `SplitN`. */
function splitWords(text: string): string[] {
  const [, word, second, rest] = /^([^ ]*)(?: ([^ ]*)(?: (.*))?)?$/s.exec(text)!;
  return [word!, second ?? "", rest ?? ""];
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** As Go's `compose`. */
export function makeAggregator(composed: Map<string, number>): GroupAggregator {
  return (group, tasks) => {
    const payload = Buffer.concat([Buffer.from(`ok ${group} `), ...tasks.flatMap((task) => [Buffer.from(task.type), task.payload])]);
    const id = `agg-${createHash("sha256").update(payload).digest("hex")}`.slice(0, 20);
    const nth = (composed.get(id) ?? 0) + 1;
    composed.set(id, nth);
    return new Task("aggregated", payload, { taskId: `${id}-${nth}`, ...(tasks.length > 1 ? { retentionSec: 150 } : {}) });
  };
}
