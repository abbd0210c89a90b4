import type { Clock } from "@asynqjs/core";

/** A part of the server that is started and stopped with it. Both may be called twice. */
export interface Component {
  readonly name: string;
  start(): void;
  /** Resolves when the part does nothing any more. */
  stop(): Promise<void>;
}

/** How often something is done, and whether for the first time at the start. */
export interface Rhythm {
  readonly everyMs: number;
  readonly first: "at once" | "after one interval";
}

/**
 * Calls `run` every so many milliseconds, never twice at once: the next call comes `everyMs` after the last began, or when it ended if that
 * is later. `run` must not reject; its signal aborts when the ticker stops.
 */
export function ticker(name: string, clock: Clock, { everyMs, first }: Rhythm, run: (signal: AbortSignal) => Promise<void>): Component {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  function tick(): void {
    const startedMs = clock.monotonicMs();
    running = run(stopped.signal).finally(() => {
      running = undefined;
      if (!stopped.signal.aborted) cancel = clock.after(Math.max(0, startedMs + everyMs - clock.monotonicMs()), tick);
    });
  }

  return {
    name,
    start() {
      if (cancel !== undefined || running !== undefined || stopped.signal.aborted) return;
      if (first === "at once") tick();
      else cancel = clock.after(everyMs, tick);
    },
    async stop() {
      stopped.abort();
      cancel?.();
      await running;
    },
  };
}
