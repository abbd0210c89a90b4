import type { CliContext } from "../cli-context.ts";
import { dateText } from "../format/time.ts";
import { dailyStats, stateTable } from "./queue-tables.ts";
import { separator } from "./separator.ts";

/** One queue after another; of one that cannot be shown it is said why. */
export async function inspectQueues(context: CliContext, queues: readonly string[]): Promise<void> {
  const inspector = await context.inspector();
  const { bold } = context.style;
  for (const [nth, name] of queues.entries()) {
    if (nth > 0 && !context.json) context.print(`\n${separator}\n`);
    try {
      const info = await inspector.getQueueInfo(name);
      if (context.json) {
        context.printJson(info);
        continue;
      }
      context.print(bold("Queue Info"));
      context.print(`Name:   ${info.queue}`);
      context.print(`Size:   ${info.size}`);
      context.print(`Groups: ${info.groups}`);
      context.print(`Paused: ${info.paused}`);
      if (info.quarantined > 0) context.print(`Quarantined: ${info.quarantined}`);
      context.print();
      context.print(bold("Task Count by State"));
      context.show(stateTable(info));
      context.print();
      context.print(bold(`Daily Stats ${dateText(info.timestamp)} UTC`));
      context.show(dailyStats(info));
    } catch (error) {
      context.complain(error);
    }
  }
}
