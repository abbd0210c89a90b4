import type { CliContext } from "../cli-context.ts";
import { errorRate } from "../format/number.ts";
import { table } from "../format/table.ts";
import { separator } from "./separator.ts";

/** What queues did on the last days, today first. */
export async function showHistory(context: CliContext, queues: readonly string[], days: number): Promise<void> {
  const inspector = await context.inspector();
  for (const [nth, name] of queues.entries()) {
    if (!context.json) context.print(`${nth > 0 ? `\n${separator}\n\n` : ""}Queue: ${name}\n`);
    try {
      const history = await inspector.history(name, days);
      if (context.json) context.printJson({ queue: name, days: history.map(({ queue, ...day }) => day) });
      else {
        const rows = history.map(({ day, processed, failed }) => [day, processed, failed, errorRate(processed, failed)]);
        context.show(table(["date (UTC)", "processed", "failed", "error rate"], rows));
      }
    } catch (error) {
      context.complain(error);
    }
  }
}
