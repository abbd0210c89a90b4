import type { Command, Option } from "commander";

/** A word that may stand at a place, and what it is about. */
interface Word {
  readonly word: string;
  readonly about: string;
}

/** What may follow a command. */
export interface Place {
  /** The command with those above it: `asynqjs queue`. */
  readonly path: string;
  /** Its subcommands, aliases among them, each with the path it leads to. */
  readonly commands: readonly (Word & { readonly path: string })[];
  readonly flags: readonly Word[];
  /** Flags after which a value stands, and the values where there are but a few. */
  readonly values: readonly { readonly flag: string; readonly choices: readonly string[]; readonly isFile: boolean }[];
  /** What its arguments may be, where that is known. */
  readonly args: readonly string[];
}

/** The whole tree below a command, each command once. */
export function listPlaces(command: Command, path: string = command.name()): Place[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((entry) => entry.name() !== "help");
  const options = help.visibleOptions(command);
  const place: Place = {
    path,
    commands: below.flatMap((entry) =>
      [entry.name(), ...entry.aliases()].map((word) => ({
        word,
        path: `${path} ${entry.name()}`,
        about: help.subcommandDescription(entry),
      })),
    ),
    flags: options.flatMap((option) => namesOf(option).map((word) => ({ word, about: option.description }))),
    values: options
      .filter((option) => option.required || option.optional)
      .flatMap((option) =>
        namesOf(option).map((flag) => ({ flag, choices: option.argChoices ?? [], isFile: option.flags.includes("<file>") })),
      ),
    args: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  };
  return [place, ...below.flatMap((entry) => listPlaces(entry, `${path} ${entry.name()}`))];
}

function namesOf({ long, short }: Option): string[] {
  return [long, short].filter((name) => name != null);
}
