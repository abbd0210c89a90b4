import type { Command } from "commander";

/**
 * A command line as commander reads it, of one as Go's flags are written: `--tls=false`, `-q=mail`. What is said of no flag here, or stands
 * where a flag before it expects its value, is left as it is.
 */
export function readArgs(args: readonly string[], program: Command): string[] {
  const takesValue = new Map<string, boolean>();
  collect(program, takesValue);
  const read: string[] = [];
  let isValue = false;
  for (const [nth, arg] of args.entries()) {
    if (arg === "--") return [...read, ...args.slice(nth)];
    const [, flag = "", value = ""] = isValue ? [] : (/^(--[^=]+|-[^-=])=(.*)$/s.exec(arg) ?? []);
    const takes = takesValue.get(flag);
    if (takes === true && !flag.startsWith("--")) read.push(flag, value);
    else if (takes === false && /^(?:1|t|true)$/i.test(value)) read.push(flag);
    else if (takes === false && /^(?:0|f|false)$/i.test(value)) read.push(...(takesValue.has(negated(flag)) ? [negated(flag)] : []));
    else read.push(arg);
    isValue = !isValue && takesValue.get(arg) === true;
  }
  return read;
}

function negated(flag: string): string {
  return flag.replace(/^--/, "--no-");
}

/** All flags there are, and which of them take a value. */
function collect(command: Command, takesValue: Map<string, boolean>): void {
  for (const option of command.options) {
    for (const name of [option.long, option.short]) {
      if (name) takesValue.set(name, option.required || option.optional);
    }
  }
  for (const below of command.commands) collect(below, takesValue);
}
