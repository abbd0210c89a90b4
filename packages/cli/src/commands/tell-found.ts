import type { AllReport, FoundReport } from "@asynqjs/core/inspector";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../exit-codes.ts";

/** Says on stderr what else there is to say of tasks that were acted on: which were not, and that it was stopped. */
export function tellFound(context: CliContext, report: AllReport | FoundReport): void {
  const { dropped, notDone, unreadable, trimmed, more } = { dropped: 0, notDone: {}, unreadable: 0, ...report };
  const left = Object.entries(notDone).map(([verdict, tasks]) => `${tasks} ${verdict}`);
  if (left.length > 0) context.warn(`not done, since they changed meanwhile: ${left.join(", ")}`);
  if (dropped > 0) context.warn(`${dropped} ids without a task there were dropped`);
  if (unreadable > 0) context.warn(`${unreadable} tasks cannot be read, and none of them was meant`);
  if (trimmed > 0) context.warn(`${trimmed} archived tasks were deleted to make room`);
  if (!more) return;
  context.warn("stopped before it was through; called again it goes on");
  context.endWith(exitCodes.interrupted);
}
