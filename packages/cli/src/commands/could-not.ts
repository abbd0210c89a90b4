import { CliError, exitCodeOf, lineOf } from "../exit-codes.ts";

/** Says before an error what it kept from being done, as Asynq's CLI does: `could not run task: …`. The exit code stays that error's. */
export async function couldNot<T>(what: string, doing: Promise<T>): Promise<T> {
  try {
    return await doing;
  } catch (error) {
    const why = lineOf(error).replace("cancelProcessing ends", "'asynqjs task cancel' ends");
    throw new CliError(exitCodeOf(error), `could not ${what}: ${why}`, error);
  }
}
