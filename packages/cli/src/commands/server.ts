import type { ListedServer } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { roundedDuration } from "../format/duration.ts";
import { table } from "../format/table.ts";
import { addExamples } from "../help.ts";
import { couldNot } from "./could-not.ts";
import { bytesJson } from "./task-json.ts";

/** `asynqjs server`. @see Asynq tools/asynq/cmd/server.go */
export function addServerCommands(program: Command, context: CliContext): void {
  const server = program.command("server").description("manage servers").usage("<command> [flags]");
  addExamples(server, "asynqjs server list");

  server
    .command("list")
    .alias("ls")
    .summary("list servers")
    .description(
      [
        "Server list (asynqjs server ls) shows all running worker servers",
        "pulling tasks from the given redis instance.",
        "",
        "The command shows the following for each server:",
        "* Host and PID of the process in which the server is running",
        "* Number of active workers out of worker pool",
        "* Queue configuration",
        '* State of the worker server ("active" | "stopped")',
        "* Time the server was started",
        "",
        'A "active" server is pulling tasks from queues and processing them.',
        'A "stopped" server is no longer pulling new tasks from queues',
      ].join("\n"),
    )
    .action(() => listServers(context));
}

async function listServers(context: CliContext): Promise<void> {
  const inspector = await context.inspector();
  const servers = await couldNot("fetch list of servers", inspector.servers());
  servers.sort((a, b) => (a.host === b.host ? a.pid - b.pid : a.host < b.host ? -1 : 1));
  if (context.json) return context.printJson(servers.map(serverJson));
  if (servers.length === 0) return context.print("No running servers");
  const nowMs = context.clock.nowMs();
  const rows = servers.map(({ host, pid, status, activeWorkers, concurrency, queues, startedAt }) => [
    ...[host, pid, status, `${activeWorkers.length}/${concurrency}`, queuesText(queues)],
    `${roundedDuration(nowMs - (startedAt?.getTime() ?? 0))} ago`,
  ]);
  context.show(table(["Host", "PID", "State", "Active Workers", "Queues", "Started"], rows));
}

/** The highest priority first, then by name. */
function queuesText(queues: ListedServer["queues"]): string {
  return Object.entries(queues)
    .sort(([a, ofA], [b, ofB]) => ofB - ofA || (a < b ? -1 : 1))
    .map(([name, priority]) => `${name}:${priority}`)
    .join(" ");
}

function serverJson({ activeWorkers, ...server }: ListedServer): object {
  return { ...server, activeWorkers: activeWorkers.map((worker) => ({ ...worker, taskPayload: bytesJson(worker.taskPayload) })) };
}
