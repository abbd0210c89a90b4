import { Argument, type Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { addExamples } from "../help.ts";

const shells = ["bash", "zsh", "fish"] as const;

/** Ours: what a shell needs to complete command lines, made of the tree of commands itself. */
export function addCompletion(program: Command, context: CliContext): void {
  const completion = program
    .command("completion")
    .description("print a script that lets a shell complete command lines of asynqjs")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .action(async (shell: (typeof shells)[number]) => {
      const { readTree } = await import("../completion/completion-tree.ts");
      const tree = readTree(program);
      context.stdout.write(await scripts[shell](tree));
    });
  addExamples(completion, "source <(asynqjs completion bash)", "source <(asynqjs completion zsh)", "asynqjs completion fish | source");
}

type Script = (tree: ReturnType<typeof import("../completion/completion-tree.ts")["readTree"]>) => Promise<string>;

const scripts: Readonly<Record<(typeof shells)[number], Script>> = {
  bash: async (tree) => (await import("../completion/bash.ts")).bashCompletion(tree),
  zsh: async (tree) => (await import("../completion/zsh.ts")).zshCompletion(tree),
  fish: async (tree) => (await import("../completion/fish.ts")).fishCompletion(tree),
};
