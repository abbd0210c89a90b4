import type { Command, Option } from "commander";
import { isInherited } from "../help.ts";

/** A word that may stand at a place, and what it is about. */
interface Word {
  readonly word: string;
  readonly about: string;
}

/** What may stand where a flag may. */
export interface Flags {
  readonly flags: readonly Word[];
  /** Flags after which a value stands, and the values where there are but a few. */
  readonly values: readonly { readonly flag: string; readonly choices: readonly string[]; readonly isFile: boolean }[];
}

/** What may follow a command, beside the flags of every command. */
interface Place extends Flags {
  /** The command with those above it: `asynqjs queue`. */
  readonly path: string;
  /** Its subcommands, aliases among them, each with the path it leads to. */
  readonly commands: readonly (Word & { readonly path: string })[];
  /** What its arguments may be, where that is known. */
  readonly args: readonly string[];
}

/** Each command once, and what may follow every one of them. */
export interface CompletionTree {
  readonly places: readonly Place[];
  readonly everywhere: Flags;
}

export function readTree(program: Command): CompletionTree {
  const ofAll = program.createHelp().visibleOptions(program).filter(isInherited);
  return { places: listPlaces(program, program.name()), everywhere: describeFlags(ofAll) };
}

function listPlaces(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((entry) => entry.name() !== "help");
  const place: Place = {
    path,
    commands: below.flatMap((entry) =>
      [entry.name(), ...entry.aliases()].map((word) => ({
        word,
        path: `${path} ${entry.name()}`,
        about: help.subcommandDescription(entry),
      })),
    ),
    args: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    ...describeFlags(help.visibleOptions(command).filter((option) => !isInherited(option))),
  };
  return [place, ...below.flatMap((entry) => listPlaces(entry, `${path} ${entry.name()}`))];
}

function describeFlags(options: readonly Option[]): Flags {
  return {
    flags: options.flatMap((option) => namesOf(option).map((word) => ({ word, about: option.description }))),
    values: options
      .filter((option) => option.required || option.optional)
      .flatMap((option) =>
        namesOf(option).map((flag) => ({ flag, choices: option.argChoices ?? [], isFile: /<file>/i.test(option.flags) })),
      ),
  };
}

function namesOf({ long, short }: Option): string[] {
  return [long, short].filter((name) => name != null);
}
