import path from "node:path";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";

interface Flags {
  readonly owner?: string;
}

/** Ours: makes the entries in Redis those of a file, as a deployment does. */
export function addCronApply(cron: Command, context: CliContext): void {
  const apply = cron
    .command("apply <file>")
    .description("make the cron entries of an owner exactly those of a file: a module's default export, or JSON")
    .option("--owner <name>", "whose they are, those of others being left alone (default is the project's name)")
    .action((file: string, flags: Flags) => applyEntries(context, file, flags));
  addExamples(apply, "asynqjs cron apply src/cron.ts", "asynqjs cron apply cron.json --owner=billing --uri=redis://localhost:6379");
}

async function applyEntries(context: CliContext, file: string, { owner }: Flags): Promise<void> {
  const [{ openGuard }, { projectName }, { readCronFile }, { tellReconciled }] = await Promise.all([
    import("../dev/guard.ts"),
    import("../dev/project-name.ts"),
    import("../dev/read-cron-file.ts"),
    import("../dev/tell-reconciled.ts"),
  ]);
  const cwd = process.cwd();
  const guard = openGuard();
  const entries = await readCronFile(path.resolve(cwd, file), { cwd, env: () => context.env, guard }).finally(() => guard.close());
  const [{ reconcileCronEntries }, { slotsBetween }] = await Promise.all([import("@asynqjs/core/cron"), import("@asynqjs/cron-fn")]);
  const { broker } = await context.inspector();
  const done = await reconcileCronEntries(broker, owner ?? projectName(cwd), entries, { slotsBetween });
  if (context.json) context.printJson(done);
  else context.print(tellReconciled(file, done));
}
