/**
 * Help in the layout of Asynq's CLI: description, USAGE, COMMANDS, FLAGS, INHERITED FLAGS, EXAMPLES, LEARN MORE.
 * @module
 */
import type { Command, Help, Option } from "commander";

const examplesOf = new WeakMap<Command, readonly string[]>();
const notesOf = new WeakMap<Command, Readonly<Record<string, readonly string[]>>>();
const inherited = new WeakSet<Option>();

/** Adds lines that are shown under EXAMPLES. */
export function addExamples(command: Command, ...lines: readonly string[]): void {
  examplesOf.set(command, lines);
}

/** Adds sections of text, each by its title. */
export function addNotes(command: Command, notes: Readonly<Record<string, readonly string[]>>): void {
  notesOf.set(command, notes);
}

/** Shows the flag as one that every command has. */
export function markInherited(option: Option): Option {
  inherited.add(option);
  return option;
}

/** Whether it was marked so. */
export function isInherited(option: Option): boolean {
  return inherited.has(option);
}

export function formatHelp(command: Command, help: Help): string {
  const rows = <T>(list: readonly T[], name: (entry: T) => string, text: (entry: T) => string): [string, string][] =>
    list.map((entry) => [name(entry), capitalize(text(entry))]);
  const options = help.visibleOptions(command);
  const commands = rows(
    help.visibleCommands(command).filter((entry) => entry.name() !== "help"),
    (entry) => `${entry.name()}:`,
    (entry) => help.subcommandDescription(entry),
  );
  const [flags, ofAll] = [false, true].map((wanted) =>
    rows(
      options.filter((option) => isInherited(option) === wanted),
      (option) => help.optionTerm(option),
      (option) => help.optionDescription(option),
    ),
  ) as [[string, string][], [string, string][]];
  const args = rows(
    help.visibleArguments(command),
    (argument) => help.argumentTerm(argument),
    (argument) => help.argumentDescription(argument),
  );
  const width = Math.max(...[...commands, ...args, ...flags, ...ofAll].map(([name]) => name.length));
  const aligned = (list: readonly [string, string][]): readonly string[] =>
    list.map(([name, text]) => `${name.padEnd(width)}  ${text}`.trimEnd());
  const section = (title: string, lines: readonly string[] = []): string[] =>
    lines.length === 0 ? [] : [help.styleTitle(title), ...lines.map((line) => `  ${line}`), ""];
  const aliases = command.aliases();
  return [
    help.commandDescription(command),
    "",
    ...section("USAGE", [help.commandUsage(command)]),
    ...section("ALIASES", aliases.length === 0 ? [] : [aliases.join(", ")]),
    ...section("COMMANDS", aligned(commands)),
    ...section("ARGUMENTS", aligned(args)),
    ...section("FLAGS", aligned(flags)),
    ...section("INHERITED FLAGS", aligned(ofAll)),
    ...section(
      "EXAMPLES",
      examplesOf.get(command)?.map((line) => `$ ${line}`),
    ),
    ...Object.entries(notesOf.get(command) ?? {}).flatMap(([title, lines]) => section(title, lines)),
    ...section("LEARN MORE", ["Use 'asynqjs <command> <subcommand> --help' for more information about a command."]),
  ].join("\n");
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
