/** The thin layer of Ink: keys come in, frames go out. @module */
import { Writable } from "node:stream";
import type { ReadStream, WriteStream } from "node:tty";
import { render, Transform, useInput } from "ink";
import { createElement, type ReactElement } from "react";
import { type Key, keysOf } from "./keys.ts";

export interface InkApp {
  /** Shows these lines, each as wide as the screen at most. */
  draw(lines: readonly string[], columns: number): void;
  /** Gives the keyboard back. */
  close(): void;
  /** Rejects where Ink fails. */
  readonly failed: Promise<never>;
}

export interface InkAppOptions {
  readonly stdin: ReadStream;
  readonly onKey: (key: Key) => void;
  /** A frame as Ink has made it. */
  readonly onFrame: (lines: readonly string[]) => void;
}

/**
 * Ink's own way to a terminal clears all of it, and what was scrolled out of it, for each frame that is as high as the screen. So it writes
 * to this, each frame whole (`debug`), and the screen writes what differs.
 */
class Frames extends Writable {
  columns = 80;
  readonly #onFrame: (lines: readonly string[]) => void;

  constructor(onFrame: (lines: readonly string[]) => void) {
    super({ decodeStrings: false });
    this.#onFrame = onFrame;
  }

  override _write(frame: unknown, _encoding: string, done: () => void): void {
    if (frame !== "") this.#onFrame(String(frame).split("\n"));
    done();
  }
}

function Dash({ lines, onKey }: { readonly lines: readonly string[]; readonly onKey: (key: Key) => void }): ReactElement {
  useInput((input, pressed) => {
    for (const key of keysOf(input, pressed)) onKey(key);
  });
  // Ink keeps for ever the width of each text that it has measured: it measures blanks, and our lines, whose width is known, take their place.
  return createElement(Transform, { transform: (_, row) => lines[row] ?? "" }, lines.map(() => " ").join("\n"));
}

export function startInk({ stdin, onKey, onFrame }: InkAppOptions): InkApp {
  const frames = new Frames(onFrame);
  const draw = (lines: readonly string[]): ReactElement => createElement(Dash, { lines, onKey });
  const app = render(draw([]), {
    stdin,
    stdout: frames as unknown as WriteStream,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const exited = app.waitUntilExit();
  const failed = new Promise<never>((_, reject) => exited.catch(reject));
  // Whoever waits for it is told; it is nobody's unhandled rejection meanwhile.
  failed.catch(() => {});
  return {
    draw(lines, columns) {
      frames.columns = columns;
      app.rerender(draw(lines));
    },
    close() {
      app.unmount();
    },
    failed,
  };
}
