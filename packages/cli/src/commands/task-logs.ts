import type { LogLine } from "@asynqjs/core";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { printableText } from "../format/bytes.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { newLines } from "./new-lines.ts";
import { type TaskFlags, takesOneTask } from "./task-flags.ts";
import { bytesJson } from "./task-json.ts";

interface Flags extends TaskFlags {
  readonly follow?: boolean;
}

/** How often it is looked whether there are more lines. */
const lookEveryMs = 1000;

/** The lines that a task's runs logged, and what it answered. */
export function addTaskLogs(task: Command, context: CliContext): void {
  const logs = takesOneTask(task.command("logs").description("show what a task's runs logged, and its result"))
    .option("-f, --follow", "go on until the task has ended")
    .action(showLogs);
  addExamples(logs, "asynqjs task logs --queue=myqueue --id=f1720682-f5a6-4db1-8953-4f48ae541d0f --follow");

  async function showLogs({ queue, id, follow = false }: Flags): Promise<void> {
    const inspector = await context.inspector();
    const signal = follow ? context.untilStopped() : undefined;
    let shown: readonly LogLine[] = [];
    let hasBeenSeen = false;
    for (;;) {
      // The task first: what it logged before it ended is then among its lines.
      const info = await couldNot("get task logs", inspector.getTaskInfo(queue, id)).catch((error: unknown) => {
        if (hasBeenSeen && (error as { cause?: { code?: unknown } }).cause?.code === "TASK_NOT_FOUND") return undefined;
        throw error;
      });
      if (info === undefined) return context.warn("the task is done and gone");
      hasBeenSeen = true;
      const lines = await couldNot("get task logs", inspector.getTaskLogs(queue, id));
      for (const line of newLines(shown, lines)) printLine(line);
      // None: it went between the two looks.
      if (lines.length > 0) shown = lines;
      const hasEnded = info.state === "completed" || info.state === "archived";
      if (!follow || hasEnded || signal?.aborted === true) return printEnd(info);
      await pause(signal!);
    }
  }

  function printLine({ atMs, message }: LogLine): void {
    const at = new Date(atMs);
    if (context.json) context.printJson({ at, message });
    else context.print(`${context.style.dim(at.toISOString())}  ${message}`);
  }

  function printEnd({
    state,
    lastErr,
    result,
  }: {
    readonly state: string;
    readonly lastErr: string | undefined;
    readonly result: Uint8Array | undefined;
  }): void {
    if (context.json) {
      context.printJson({ state, lastErr: lastErr ?? null, result: bytesJson(result) });
    } else {
      context.warn(`task is ${state}${lastErr === undefined ? "" : `: ${lastErr}`}`);
      if (result !== undefined) context.print(`Result: ${printableText(result)}`);
    }
  }

  function pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const stop = (): void => {
        cancel();
        resolve();
      };
      const cancel = context.clock.after(lookEveryMs, () => {
        signal.removeEventListener("abort", stop);
        resolve();
      });
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
