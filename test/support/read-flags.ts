import { type ParseArgsConfig, parseArgs } from "node:util";

/** What a command was given cannot be used: said in one line, exit 2. */
export function refuseFlags(command: string, why: string): never {
  console.error(`${command}: ${why}`);
  process.exit(2);
}

/** The flags of a command; one that it does not know ends it. */
export function readFlags<T extends NonNullable<ParseArgsConfig["options"]>>(
  command: string,
  options: T,
  args: readonly string[] = process.argv.slice(2),
): ReturnType<typeof parseArgs<{ args: string[]; options: T }>>["values"] {
  try {
    return parseArgs<{ args: string[]; options: T }>({ args: [...args], options }).values;
  } catch (error) {
    const flags = Object.keys(options).map((name) => `--${name}`);
    return refuseFlags(command, `${(error as Error).message.split("\n")[0]} There are: ${flags.join(", ")}`);
  }
}

/** The number that a flag says; anything else ends the command, and so does one that is less than `least`. */
export function numberOf(command: string, flag: string, text: string, least = 0): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < least)
    return refuseFlags(command, `--${flag}: expected a number from ${least}, not "${text}"`);
  return number;
}
