import path from "node:path";
import { done, ended, type QueueCounts, retried } from "../count-tasks.ts";
import type { CronWork } from "../cron-work.ts";
import type { Paint } from "./screen.ts";
import { table } from "./table.ts";

/** The table of what happened, a row for each queue. `gathered` says how many tasks became how many digests. */
export function outcomeTable(
  counts: readonly QueueCounts[],
  enqueued: (queue: string) => number,
  workIn: (queue: string) => CronWork,
): string[] {
  const rows = counts.map((queue) => {
    const { fired, aggregated, digests } = workIn(queue.queue);
    const gathered = aggregated === 0 ? "" : `${aggregated} → ${digests}`;
    const given = enqueued(queue.queue);
    const lost = given + fired - aggregated + digests - ended(queue);
    return [queue.queue, given, fired, gathered, retried(queue), done(queue) + queue.completed, queue.archived, lost];
  });
  const sums = rows[0]!.slice(1).map((_, i) => (i === 2 ? "" : rows.reduce((sum, row) => sum + Number(row[i + 1]), 0)));
  return table(["queue", "enqueued", "fired", "gathered", "retried", "done", "archived", "lost"], [...rows, ["", ...sums]]);
}

/** Where to find what was made. `result` is one that a task left in Redis. */
export function whereItIs(outDir: string, result: { readonly key: string; readonly value: string } | undefined, paint: Paint): string[] {
  const out = path.relative(process.cwd(), outDir);
  const line = (name: string, where: string): string => `${paint("bold", name.padEnd(12))} ${where}`;
  return [
    ...(result === undefined ? [] : [line("A result", `hget ${result.key} result`), line("", result.value)]),
    line("Thumbnails", `${out}/thumbnails`),
    line("Mail", `${out}/mail`),
    line("Log", `${out}/worker.log`),
  ];
}

/** Requests to try, and how to look into Redis. */
export function whatToTry(url: string, redisUrl: string, paint: Paint): string[] {
  const post = (path: string, json: string, note = ""): string => `  ask ${path} '${json}'${paint("dim", note)}`;
  return [
    paint("bold", "The shop stays open. In another terminal:"),
    `  ask() { curl -sw '\\n' "${url}$1" -d "$2"; }`,
    post("pictures", '{"name":"galaxy.jpg","widths":[64,500]}'),
    post("orders", '{"to":"you@grey.example","quantity":1,"item":"Galaxy poster"}'),
    post("reminders", '{"to":"you@mail.example","about":"tea","inSec":75}'),
    post("newsletters", '{"to":"you@mail.example","issue":"spring"}', "  # again: 409"),
    post("reviews", '{"name":"galaxy.jpg","stars":5,"words":"Ah!"}'),
    post("pictures", '{"name":"no-such.jpg","widths":[64]}', "  # archived"),
    `  redis-cli -u ${redisUrl} hgetall asynq:js:cron`,
    paint("dim", "Ctrl-C ends it all."),
  ];
}
