import type { RedisPort } from "@asynqjs/core";
import type { Inspector } from "@asynqjs/core/inspector";
import type { Command } from "commander";
import { type Connection, connect } from "./connect.ts";
import { CliError, exitCodeOf, exitCodes, lineOf } from "./exit-codes.ts";
import { terminalText } from "./format/terminal-text.ts";
import { type Progress, showProgress } from "./progress.ts";
import { type ReadSettings, readSettings } from "./settings.ts";
import { makeStyle, type Style } from "./style.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a command has to work with. It is made before the command is known: inside an action all of it may be used. */
export interface CliContext extends Omit<Surroundings, "signal"> {
  /** `--json` was said: what goes to stdout is JSON and nothing else. */
  readonly json: boolean;
  /** How emphasis is shown on stdout; leaves text as it is where colour is not wanted. */
  readonly style: Style;
  /** Where Redis is and how to be let in, from flags, environment and config file. @throws {CliError} */
  settings(): Promise<ReadSettings>;
  /** Connects at the first call, and answers the same port ever after; it is closed when the run ends. @throws {CliError} */
  connect(): Promise<RedisPort>;
  /** Whether that port speaks to the nodes of a Cluster. @throws {CliError} */
  inCluster(): Promise<boolean>;
  /** An `Inspector` over that port. @throws {CliError} */
  inspector(): Promise<Inspector>;
  /** One line on stdout; as `show`. */
  print(line?: string): void;
  /** Lines on stdout; on a terminal what it would act on is shown as its escape. */
  show(lines: string): void;
  /** One line of JSON on stdout. */
  printJson(value: unknown): void;
  /** One line on stderr. */
  warn(line: string): void;
  /** Says on stderr what went wrong with one of several things and lets the run go on; it ends with that error's code, the first one's. */
  complain(error: unknown): void;
  /** The run ends with this code unless something worse comes. */
  endWith(code: number): void;
  /**
   * Asks before something is lost, unless the command's own `--yes` was said (`asksFirst` adds that flag).
   * @throws {CliError} the answer is no, or nobody is there to give one
   */
  confirm(question: string): Promise<void>;
  /** Shows on stderr how far long work is, where that is a terminal. */
  progress(label: string): Progress;
  /** From now on a signal does not break the command off: it ends by itself when this aborts. */
  untilStopped(): AbortSignal;
}

/** A context, and what the program needs of it beyond what commands do. */
export interface RunContext extends CliContext {
  /** Says which command runs. */
  begin(command: Command): void;
  /** The code that the run ends with when nothing was thrown. */
  exitCode(): number;
  /** Whether the command ends by itself when it is told to stop. */
  stopsItself(): boolean;
  close(): Promise<void>;
}

export function makeContext(surroundings: Surroundings): RunContext {
  const { signal, ...around } = surroundings;
  const { env, stdout, stderr, interactive } = surroundings;
  let running: Command | undefined;
  let settings: Promise<ReadSettings> | undefined;
  let connecting: Promise<Connection> | undefined;
  let inspector: Inspector | undefined;
  let code: number = exitCodes.ok;
  let stopsItself = false;

  const flag = (name: string): unknown => {
    for (let command: Command | null | undefined = running; command; command = command.parent) {
      if (command.getOptionValueSource(name) === "cli") return command.getOptionValue(name);
    }
    return undefined;
  };
  const connection = (): Promise<Connection> => {
    connecting ??= context.settings().then(({ connection: to }) => connect(to, surroundings));
    return connecting;
  };
  const context: RunContext = {
    ...around,
    get json() {
      return flag("json") === true;
    },
    style: makeStyle(stdout, env),
    settings() {
      settings ??= readSettings(flag, surroundings).then((read) => {
        if (read.file !== undefined && !context.json) context.warn(`Using config file: ${read.file}`);
        return read;
      });
      return settings;
    },
    async connect() {
      return (await connection()).port;
    },
    async inCluster() {
      return (await connection()).inCluster;
    },
    async inspector() {
      const redis = await context.connect();
      const { Inspector } = await import("@asynqjs/core/inspector");
      inspector ??= new Inspector({ redis, clock: around.clock, random: around.random });
      return inspector;
    },
    print: (line = "") => context.show(`${line}\n`),
    show: (lines) => void stdout.write(stdout.isTTY ? terminalText(lines) : lines),
    printJson: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    warn: (line) => void stderr.write(`${stderr.isTTY ? terminalText(line) : line}\n`),
    complain(error) {
      context.warn(`asynqjs: ${lineOf(error)}`);
      context.endWith(exitCodeOf(error));
    },
    endWith(next) {
      if (code === exitCodes.ok) code = next;
    },
    async confirm(question) {
      if (running?.getOptionValue("yes") === true) return;
      if (!interactive) {
        throw new CliError(exitCodes.unconfirmed, `${question} Nobody is here to answer; say --yes to go on. Nothing was changed`);
      }
      const answer = await surroundings.ask(`${question} [y/N] `);
      if (!/^y(?:es)?$/i.test(answer.trim())) throw new CliError(exitCodes.unconfirmed, "not confirmed; nothing was changed");
    },
    progress: (label) => showProgress(label, stderr),
    untilStopped() {
      stopsItself = true;
      return signal;
    },
    begin(command) {
      running = command;
    },
    exitCode: () => code,
    stopsItself: () => stopsItself,
    async close() {
      if (connecting !== undefined) await connecting.then(({ close }) => close()).catch(() => {});
    },
  };
  return context;
}
