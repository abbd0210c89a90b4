import type { BuiltProgram } from "../interop/go-programs.ts";
import type { Canaries } from "./canaries.ts";

/** What a run's cases go by; `main.ts` makes it, vitest hands it on. */
export interface ChaosSettings {
  /** Where everything goes that is said: logs, events, histories. */
  readonly dir: string;
  readonly canaries: Canaries;
  /** Where chance begins, for cases that roll dice once. */
  readonly seed: number;
  /** For those that do it several times. */
  readonly seeds: readonly number[];
  readonly tasks: number;
  readonly minutes: number;
  readonly ci: boolean;
  /** A worker of real Asynq. */
  readonly go: BuiltProgram;
}

/** `main.ts` hands the settings on in it. */
export const settingsVariable = "ASYNQJS_CHAOS";

declare module "vitest" {
  interface ProvidedContext {
    chaos: ChaosSettings;
  }
}
