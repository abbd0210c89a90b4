import type { Command } from "commander";
import type { CliContext } from "./cli-context.ts";

/** A command of the program: what help says of it, and the module with all below it, which is loaded when a command line names it. */
interface TopCommand {
  readonly name: string;
  readonly about: string;
  readonly load: () => Promise<(program: Command, context: CliContext) => void>;
}

/** Asynq's commands in its order, then ours. */
const commands: readonly TopCommand[] = [
  { name: "dash", about: "view dashboard", load: async () => (await import("./commands/dash.ts")).addDashCommand },
  { name: "stats", about: "view current state", load: async () => (await import("./commands/stats.ts")).addStats },
  { name: "queue", about: "manage queues", load: async () => (await import("./commands/queue.ts")).addQueueCommands },
  { name: "task", about: "manage tasks", load: async () => (await import("./commands/task.ts")).addTaskCommands },
  { name: "group", about: "manage groups", load: async () => (await import("./commands/group.ts")).addGroupCommands },
  { name: "server", about: "manage servers", load: async () => (await import("./commands/server.ts")).addServerCommands },
  { name: "cron", about: "manage cron", load: async () => (await import("./commands/cron.ts")).addCronCommands },
  {
    name: "dev",
    about: "run a project: Redis, gateway, worker, cron entries",
    load: async () => (await import("./commands/dev.ts")).addDevCommand,
  },
  { name: "init", about: "make a project to begin with", load: async () => (await import("./commands/init.ts")).addInitCommand },
  { name: "tick", about: "run the maintenance that is due", load: async () => (await import("./commands/tick.ts")).addTick },
  { name: "metrics", about: "tell Prometheus how queues stand", load: async () => (await import("./commands/metrics.ts")).addMetrics },
  {
    name: "doctor",
    about: "say what is wrong, why nothing runs, and what to do",
    load: async () => (await import("./commands/doctor.ts")).addDoctorCommand,
  },
  {
    name: "completion",
    about: "let a shell complete command lines of asynqjs",
    load: async () => (await import("./commands/completion.ts")).addCompletion,
  },
];

/** Adds the commands that are among these words, and of the others no more than help needs. For completion all are needed. */
export async function addCommands(program: Command, context: CliContext, words: readonly string[]): Promise<void> {
  const needsAll = words.includes("completion");
  const loaded = await Promise.all(commands.map(({ name, load }) => (needsAll || words.includes(name) ? load() : undefined)));
  for (const [nth, { name, about }] of commands.entries()) {
    const add = loaded[nth];
    if (add === undefined) program.command(name).description(about);
    else {
      add(program, context);
      // One text for both.
      program.commands.at(-1)!.summary(about);
    }
  }
}
