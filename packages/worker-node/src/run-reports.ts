import type { Settings } from "./config.ts";
import { errorText } from "./error-text.ts";
import type { Counters } from "./metrics.ts";
import type { ProcessingTask } from "./processing-task.ts";

/** How a handler's call ended. */
export type HandlerEnd = { readonly how: "returned" } | { readonly how: "threw"; readonly error: unknown };

/** What a run tells beside its outcome: counted, and logged with its task's names. Nothing here throws. */
export class RunReports {
  readonly #settings: Settings;
  readonly #counters: Counters;
  readonly #names: { readonly queue: string; readonly id: string };

  constructor(settings: Settings, counters: Counters, { queue, id }: { readonly queue: string; readonly id: string }) {
    this.#settings = settings;
    this.#counters = counters;
    this.#names = { queue, id };
  }

  /** The handler runs on though nobody waits for it; it is leaked until it ends. */
  leaked(): void {
    const { logger, maxLeaked } = this.#settings;
    const counters = this.#counters;
    counters.add("leaks");
    counters.leaked++;
    logger.warn("handler did not end when it was told to: its slot stays taken until it does", this.#names);
    if (counters.leaked === maxLeaked) logger.error("so many handlers do not end that no more tasks are taken: restart me", { maxLeaked });
  }

  /** The slot of a leaked handler is free again. */
  leakEnded(end: HandlerEnd): void {
    this.#counters.leaked--;
    if (end.how === "threw") this.#counters.add("lateErrors");
    this.#settings.logger.info("leaked handler ended", { ...this.#names, ...(end.how === "threw" && { error: errorText(end.error) }) });
  }

  /** A result or log lines were not stored. */
  writeRefused(error: unknown): void {
    this.#counters.add("writesRefused");
    this.#settings.logger.warn("a result or log lines were not stored", { ...this.#names, error: errorText(error) });
  }

  /** A promise that the handler left behind was rejected, and nobody waited for it. */
  stray(error: unknown): void {
    this.#counters.add("strayRejections");
    this.#settings.logger.error("a promise that the handler left behind was rejected", { ...this.#names, error: errorText(error) });
  }

  /** The run failed. The user's function is not waited for. */
  tellErrorHandler(processing: ProcessingTask, error: unknown): void {
    const failed = (thrown: unknown): void => {
      this.#counters.add("callbackErrors");
      this.#settings.logger.error("errorHandler failed", { ...this.#names, error: errorText(thrown) });
    };
    try {
      Promise.resolve(this.#settings.errorHandler?.(processing, error)).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }
}
