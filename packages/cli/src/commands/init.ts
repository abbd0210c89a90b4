import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { copyTemplate, type TemplateName, templates } from "../dev/copy-template.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";

/** `asynqjs init`: a project to begin with. */
export function addInitCommand(program: Command, context: CliContext): void {
  const init = program
    .command("init")
    .description("make a project to begin with: a worker, what enqueues for it, a cron entry, run by asynqjs dev")
    .argument("<folder>", "where: a folder that is not there yet, or empty")
    .addOption(new Option("-t, --template <name>", "what enqueues").choices(templates).makeOptionMandatory())
    .action((folder: string, { template }: { readonly template: TemplateName }) => {
      if (folder === "") throw new CliError(exitCodes.usage, "the folder has no name: say '.' for this one");
      copyTemplate(template, folder);
      if (context.json) context.printJson({ folder, template });
      else context.print(`made ${folder}\n\n${folder === "." ? "" : `  cd ${quoted(folder)}\n`}  npm install\n  npm run dev`);
    });
  addExamples(
    init,
    "asynqjs init my-app --template node",
    "asynqjs init . --template cloudflare",
    "asynqjs init my-functions --template vercel",
  );
}

/** As a shell reads it. */
function quoted(folder: string): string {
  return /^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
}
