/**
 * The tree of commands, and one run of it.
 * @module
 */
import { Command, CommanderError } from "commander";
import type { CliContext } from "./cli-context.ts";
import { makeContext } from "./cli-context.ts";
import { addCommands } from "./commands.ts";
import { CliError, exitCodeOf, exitCodes, lineOf } from "./exit-codes.ts";
import { addGlobalFlags } from "./global-flags.ts";
import { addExamples, addNotes, formatHelp } from "./help.ts";
import { readArgs } from "./read-args.ts";
import { outputClosed, type Surroundings } from "./surroundings.ts";
import { version } from "./version.ts";

/** A command whose errors of usage say which one it was. */
class CliCommand extends Command {
  override createCommand(name?: string): Command {
    return new CliCommand(name);
  }

  override error(message: string, options?: ErrorOptions): never {
    const path = pathOf(this);
    const said = lineOf(message.replace(/^error: /, "").replace(/\.\s*$/, "")).replace(
      /^unknown command '[^']*'/,
      (found) => `${found} for "${path}"`,
    );
    return super.error(`${said}; see '${path} --help'`, options);
  }
}

type ErrorOptions = Parameters<Command["error"]>[1];

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const versionLine = `asynqjs version ${version}`;

/** The tree of commands, as far as these words need it. */
async function makeProgram(context: CliContext, words: readonly string[]): Promise<Command> {
  const program = new CliCommand("asynqjs")
    .description("See and steer the tasks and queues of Asynq.")
    .usage("<command> <subcommand> [flags]")
    .version(versionLine, "--version", "print the version")
    .helpOption("-h, --help", "show help for a command")
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ formatHelp, styleTitle: context.style.bold })
    .configureOutput({
      writeOut: context.show,
      // Help that nobody asked for; errors are said by `run`.
      writeErr: context.show,
      outputError() {},
    });
  addExamples(program, "asynqjs stats", "asynqjs queue pause myqueue", "asynqjs task list --queue=myqueue --state=archived");
  addNotes(program, {
    ENVIRONMENT: [
      "ASYNQ_REDIS_URL    where Redis is, as --uri or --url; beside it ASYNQ_REDIS_TOKEN for HTTP",
      "URI, DB, PASSWORD  and so on: any flag of Redis in capitals, as Asynq's CLI reads them",
      "NO_COLOR           no colour on a terminal either",
    ],
    "EXIT CODES": [
      "0 done · 1 failed · 2 wrong usage · 3 not found · 4 wrong state, or there already · 5 Redis not reached",
      "6 Redis refused who asks · 7 a yes was needed · 8 what was looked at is not in order · 130 stopped",
    ],
  });
  await addCommands(program, context, words);
  program.command("version", { hidden: true }).action(() => {
    if (context.json) context.printJson({ version });
    else context.print(versionLine);
  });
  addGlobalFlags(program);
  return program;
}

/** Runs one command line, without Node's own two words before it; answers the exit code, and has said what went wrong. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const context = makeContext(surroundings);
  const program = await makeProgram(context, args);
  program.hook("preAction", (_, command) => context.begin(command));
  const { signal } = surroundings;
  const stopped = new Promise<never>((_, reject) => {
    const stop = (): void => {
      if (!context.stopsItself() && signal.reason !== outputClosed) reject(new CliError(exitCodes.interrupted, "stopped"));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([program.parseAsync(readArgs(args, program), { from: "user" }), stopped]);
    return context.exitCode();
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed help or the version.
      if (error.exitCode === 0 || error.code === "commander.help") return exitCodes.ok;
      context.warn(`asynqjs: ${error.message}`);
      return exitCodes.usage;
    }
    context.warn(`asynqjs: ${lineOf(error)}`);
    return exitCodeOf(error);
  } finally {
    await context.close();
  }
}
