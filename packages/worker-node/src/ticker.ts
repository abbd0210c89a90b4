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
  /**
   * Asked when a run is due: for how many milliseconds more it may be left out. Asked again when those are over, and every `everyMs`
   * meanwhile, which costs Redis nothing. Default: no run is left out.
   */
  readonly restMs?: (() => number) | undefined;
}

export interface Ticker extends Component {
  /** Does not wait for the end of a rest: a run that was left out is looked at again. */
  hurry(): void;
  /** Runs at once; where a run goes on, again when it has ended. */
  now(): void;
}

/**
 * Calls `run` every so many milliseconds, never twice at once: the next call comes `everyMs` after the last began, or when it ended if that
 * is later, or when its rest is over. `run` must not reject; its signal aborts when the ticker stops.
 */
export function ticker(
  name: string,
  clock: Clock,
  { everyMs, first, restMs }: Rhythm,
  run: (signal: AbortSignal) => Promise<void>,
): Ticker {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  let resting = false;
  let again = false;

  function tick(): void {
    const startedMs = clock.monotonicMs();
    [resting, again] = [false, false];
    running = run(stopped.signal).finally(() => {
      running = undefined;
      if (stopped.signal.aborted) return;
      if (again) tick();
      else cancel = clock.after(Math.max(0, startedMs + everyMs - clock.monotonicMs()), due);
    });
  }

  function due(): void {
    const leftMs = Math.min(everyMs, restMs?.() ?? 0);
    resting = leftMs > 0;
    if (resting) cancel = clock.after(leftMs, due);
    else tick();
  }

  return {
    name,
    start() {
      if (cancel !== undefined || running !== undefined || stopped.signal.aborted) return;
      if (first === "at once") tick();
      else cancel = clock.after(everyMs, due);
    },
    hurry() {
      if (!resting || stopped.signal.aborted) return;
      cancel?.();
      due();
    },
    now() {
      if (stopped.signal.aborted) return;
      if (running !== undefined) again = true;
      else if (cancel !== undefined) {
        cancel();
        tick();
      }
    },
    async stop() {
      stopped.abort();
      cancel?.();
      await running;
    },
  };
}
