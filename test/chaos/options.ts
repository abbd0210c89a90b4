import { parseArgs } from "node:util";

/** What `npm run chaos` is asked to do. */
export interface ChaosOptions {
  /** The rows of the fault matrix to run, however they are shown; all that are cases of their own where absent. */
  readonly only: readonly string[] | undefined;
  /** Where chance begins. Default: drawn, and printed. */
  readonly seed: number | undefined;
  /** How many tasks the history of real processes has. */
  readonly tasks: number;
  /** How long the soak lasts, minutes. */
  readonly minutes: number;
  /** Nothing but the soak. */
  readonly soak: boolean;
  /** The short set. */
  readonly ci: boolean;
  /** Prints the matrix and runs nothing. */
  readonly list: boolean;
}

const usage =
  "npm run chaos -- [--list] [--only F2,F12] [--seed NUMBER] [--tasks NUMBER] [--soak] [--minutes NUMBER] [--ci]\n" +
  "The rows are those of docs/testing.md. Without --ci: 100,000 tasks and ten minutes of soak; with it 10,000 tasks and one minute.";

/** @throws {Error} what cannot be read, and how it is written */
export function parseOptions(args: readonly string[]): ChaosOptions {
  const flag = { type: "boolean", default: false } as const;
  const text = { type: "string" } as const;
  const options = { only: text, seed: text, tasks: text, minutes: text, soak: flag, ci: flag, list: flag } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    return {
      only: values.only?.split(",").map(toRow),
      seed: values.seed === undefined ? undefined : toNumber("seed", values.seed, 0),
      tasks: toNumber("tasks", values.tasks ?? (values.ci ? "10000" : "100000"), 1),
      minutes: toNumber("minutes", values.minutes ?? (values.ci ? "1" : "10"), 1),
      soak: values.soak,
      ci: values.ci,
      list: values.list,
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${usage}`);
  }
}

function toRow(name: string): string {
  const row = /^F?(\d+)$/i.exec(name.trim())?.[1];
  if (row === undefined) throw new Error(`--only: no row is called "${name}"`);
  return `F${Number(row)}`;
}

function toNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > 2 ** 31) throw new Error(`--${name}: expected a whole number from ${least} on`);
  return number;
}
