import type { DiagnosisCode, Severity } from "@asynqjs/core/doctor";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../exit-codes.ts";
import { addExamples } from "../help.ts";
import type { Style } from "../style.ts";
import { wholeNumber } from "./read-flag.ts";

interface DoctorFlags {
  readonly queue?: readonly string[];
  readonly deep?: boolean;
  readonly maxQueues?: number;
  readonly durability?: "none" | "fsync" | "replicated";
  readonly ignore?: readonly DiagnosisCode[];
  readonly failOn: Exclude<Severity, "notice">;
}

/** From which severity on a run fails, and what is as bad. */
const failing: Readonly<Record<DoctorFlags["failOn"], readonly Severity[]>> = {
  error: ["error"],
  warning: ["error", "warning"],
  unknown: ["error", "warning", "unknown"],
};

export function addDoctorCommand(program: Command, context: CliContext): void {
  const doctor = program
    .command("doctor")
    .description("find out what is wrong: why nothing runs, what is late, what Redis is set up to; with what to do about each")
    .option("-q, --queue <name...>", "look at these queues alone")
    .option("--deep", "look for broken invariants however large Redis is (default: up to 20,000 keys)")
    .option("--max-queues <number>", "of more queues look at so many (default 10,000; 500 over HTTP)", wholeNumber(1))
    .addOption(new Option("--durability <tier>", "the tier that Redis must be set up for").choices(["none", "fsync", "replicated"]))
    .option("--ignore <code...>", "do not tell of these: what is known, and meant so")
    .addOption(
      new Option("--fail-on <severity>", "exit with 8 from this severity on").choices(["error", "warning", "unknown"]).default("warning"),
    )
    .action((flags: DoctorFlags) => run(context, flags));
  addExamples(
    doctor,
    "asynqjs doctor",
    "asynqjs doctor --queue=mail --deep",
    "asynqjs doctor --ignore redis-unpatched --json",
    "asynqjs doctor --durability=fsync --fail-on=error",
  );
}

async function run(context: CliContext, { queue, deep, maxQueues, durability, ignore, failOn }: DoctorFlags): Promise<void> {
  const [{ makeBroker, QueueNotFoundError }, { diagnosisCodes, examine, sayExamination }] = await Promise.all([
    import("@asynqjs/core"),
    import("@asynqjs/core/doctor"),
  ]);
  for (const code of ignore ?? [])
    if (!diagnosisCodes.includes(code)) throw new CliError(exitCodes.usage, `--ignore: expected one of ${diagnosisCodes.join(", ")}`);
  // A name that is mistyped is in order, as all is that is not there.
  const there =
    queue &&
    (await context
      .inspector()
      .then((inspector) => inspector.queues())
      .catch(() => undefined));
  for (const name of queue ?? []) if (there?.includes(name) === false) context.complain(new QueueNotFoundError(name));
  const broker = makeBroker({ redis: await context.connect(), clock: context.clock, random: context.random });
  const examination = await examine(broker, {
    queues: queue,
    maxQueues,
    invariants: deep,
    durability: durability && { tier: durability },
    ignore,
  });
  if (context.json) context.printJson(examination);
  else context.print(sayExamination(examination, (severity, text) => paintOf(context.style)[severity](text)).trimEnd());
  if (examination.worst !== undefined && failing[failOn].includes(examination.worst)) context.endWith(exitCodes.findings);
}

function paintOf({ red, yellow, bold, dim }: Style): Readonly<Record<Severity, (text: string) => string>> {
  return { error: red, warning: yellow, unknown: bold, notice: dim };
}
