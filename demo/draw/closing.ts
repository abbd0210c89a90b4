import path from "node:path";
import { done, ended, type QueueCounts, retried } from "../count-tasks.ts";
import type { Answers } from "../customers.ts";
import type { Paint } from "./screen.ts";
import { table } from "./table.ts";

/** The table of what happened, a row for each queue. */
export function outcomeTable(counts: readonly QueueCounts[], { accepted, duplicates }: Answers): string[] {
  const rows = counts.map((queue) => {
    const enqueued = accepted.filter((task) => task.queue === queue.queue).length;
    const refused = duplicates.filter((request) => request.queue === queue.queue).length;
    return [queue.queue, enqueued, refused, retried(queue), done(queue), queue.completed, queue.archived, enqueued - ended(queue)];
  });
  const sums = rows[0]!.slice(1).map((_, i) => rows.reduce((sum, row) => sum + Number(row[i + 1]), 0));
  return table(["queue", "enqueued", "duplicates", "retried", "done", "completed", "archived", "lost"], [...rows, ["", ...sums]]);
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
  const post = (path: string, json: string, note = ""): string => `  curl -sw '\\n' ${url}${path} -d '${json}'${paint("dim", note)}`;
  return [
    paint("bold", "The shop stays open. In another terminal:"),
    post("pictures", '{"name":"galaxy.jpg","widths":[64,500]}'),
    post("orders", '{"to":"you@grey.example","quantity":1,"item":"Galaxy poster"}'),
    post("reminders", '{"to":"you@mail.example","about":"tea","inSec":5}'),
    post("newsletters", '{"to":"you@mail.example","issue":"spring"}', "   # 409 if sent twice within 3 s"),
    post("pictures", '{"name":"no-such.jpg","widths":[64]}', "   # will be archived"),
    `  redis-cli -u ${redisUrl} zrange 'asynq:{shop-pictures}:archived' 0 -1`,
    paint("dim", "Ctrl-C ends it all."),
  ];
}
