/** `asynqjs dash`: the queues and their tasks on the whole screen of a terminal. Asynq: `asynq dash`. @module */
import type { ReadStream, WriteStream } from "node:tty";
import { type Clock, within } from "@asynqjs/core";
import type { Inspector } from "@asynqjs/core/inspector";
import { act } from "./act.ts";
import { startInk } from "./ink-app.ts";
import { depthOf, paint } from "./layout/paint.ts";
import { screen } from "./layout/screen.ts";
import { load } from "./load.ts";
import { type DashEvent, reduce } from "./reduce.ts";
import { requestOf } from "./request.ts";
import { type Action, initialState } from "./state.ts";
import type { Effect } from "./step.ts";
import { drawSoon, openScreen } from "./terminal.ts";

/** What a dashboard works with. */
export interface DashOptions {
  readonly inspector: Inspector;
  /** How long what is shown stays before it is read anew. */
  readonly refreshMs: number;
  /** Both are terminals. */
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  /** Ends it when it aborts. */
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
  /** What says which colours the terminal has. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A library of Ink's ends the process at one of these, as it stands, unless somebody else listens too. */
const endings = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** While Redis cannot be read it is tried this often, whatever the refresh. */
const retryMs = 1_000;

const lastBatchMs = 2_000;

/** Shows the dashboard until it is left, and leaves the terminal as it was. @throws whatever Ink fails with */
export async function runDash({ inspector, refreshMs, stdin, stdout, signal, clock, env }: DashOptions): Promise<void> {
  const depth = depthOf(env);
  // A terminal that does not say how large it is is taken for the usual one.
  const size = (): { readonly columns: number; readonly rows: number } => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  let state = initialState({ ...size(), nowMs: clock.nowMs() });
  let sampledMs = Number.NEGATIVE_INFINITY;
  let reading = new AbortController();
  let working = new AbortController();
  let cancelRefresh = (): void => {};
  let acting = Promise.resolve();
  let isOver = false;
  let quit = (): void => {};
  const left = new Promise<void>((resolve) => {
    quit = resolve;
  });

  const shown = openScreen(stdout);
  const soon = drawSoon(clock, () => {
    app.draw(
      screen(state).map((line) => paint(line, depth)),
      state.columns,
    );
  });
  const dispatch = (event: DashEvent): void => {
    if (isOver) return;
    const step = reduce(state, event);
    state = step.state;
    for (const effect of step.effects) carryOut(effect);
    soon.request();
  };
  const carryOut = (effect: Effect): void => {
    switch (effect.do) {
      case "load":
        loadShown(effect.isRefresh);
        break;
      case "act":
        acting = doAct(effect.action);
        break;
      case "stop":
        working.abort();
        break;
      case "repaint":
        shown.forget();
        break;
      case "quit":
        quit();
        break;
      default:
        effect satisfies never;
    }
  };
  const doAct = async (action: Action): Promise<void> => {
    working = new AbortController();
    try {
      const text = await act(inspector, action, (done, of) => dispatch({ type: "progressed", done, of }), working.signal);
      dispatch({ type: "acted", text, isBad: false });
    } catch (error) {
      dispatch({ type: "acted", text: whyOf(error), isBad: true });
    }
  };
  const loadShown = async (isRefresh: boolean): Promise<void> => {
    cancelRefresh();
    reading.abort();
    reading = new AbortController();
    const { look } = state;
    const mine = reading.signal;
    let nextMs = refreshMs;
    try {
      const loaded = await load(inspector, requestOf(state), mine);
      if (mine.aborted) return;
      const atMs = clock.nowMs();
      // Somebody who moves about all the time is shown rates too.
      const isSample = isRefresh || atMs - sampledMs >= refreshMs;
      if (isSample) sampledMs = atMs;
      dispatch({ type: "loaded", look, atMs, isRefresh: isSample, loaded });
    } catch (error) {
      if (mine.aborted) return;
      nextMs = Math.min(refreshMs, retryMs);
      dispatch({ type: "failed", look, why: whyOf(error) });
    }
    // What was just read may have asked for another look, which then sets the time.
    if (!mine.aborted) cancelRefresh = clock.after(nextMs, () => dispatch({ type: "refresh" }));
  };

  const resized = (): void => dispatch({ type: "resized", ...size() });
  const app = startInk({ stdin, onKey: (key) => dispatch({ type: "key", key }), onFrame: (lines) => shown.show(lines) });
  stdout.on("resize", resized);
  // A terminal that is gone.
  stdout.on("error", quit);
  signal?.addEventListener("abort", quit);
  for (const ending of endings) process.on(ending, quit);
  try {
    carryOut({ do: "load", isRefresh: true });
    soon.request();
    if (!signal?.aborted) await Promise.race([left, app.failed]);
  } finally {
    isOver = true;
    stdout.off("resize", resized);
    signal?.removeEventListener("abort", quit);
    cancelRefresh();
    reading.abort();
    working.abort();
    soon.cancel();
    app.close();
    shown.close();
    stdout.off("error", quit);
    // What was being done ends with the batch that is under way.
    await within(clock, lastBatchMs, undefined, acting);
    for (const ending of endings) process.off(ending, quit);
  }
}

/** Why something failed, in a line. */
function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
