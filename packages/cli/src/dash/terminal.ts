/** The terminal as a screen of our own, and as it was when we are gone. @module */
import type { WriteStream } from "node:tty";
import type { Clock } from "@asynqjs/core";

/** The other screen, without a cursor; what is too wide is cut off, never wrapped. */
const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const leave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/** A terminal that knows these shows what is between them at once. */
const together = (codes: string): string => `\x1b[?2026h${codes}\x1b[?2026l`;

/** The codes that turn one frame into another: only lines that differ are written. */
export function frameCodes(before: readonly string[] | undefined, after: readonly string[]): string {
  const lines = after.map((line, row) => (before?.[row] === line ? "" : `\x1b[${row + 1};1H\x1b[2K${line}`)).join("");
  if (before === undefined) return together(`\x1b[2J${lines}`);
  return lines === "" ? "" : together(lines);
}

export interface Screen {
  /** Shows a frame. */
  show(lines: readonly string[]): void;
  /** The next frame is written whole, over whatever stands there. */
  forget(): void;
  /** Gives the terminal back. May be repeated. */
  close(): void;
}

/** Takes the terminal until it is closed, or this process ends in whatever way lets it say so. */
export function openScreen(stdout: Pick<WriteStream, "write">): Screen {
  let shown: readonly string[] | undefined;
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    process.off("exit", close);
    stdout.write(leave);
  };
  // A crash ends here too, before its error is printed.
  process.once("exit", close);
  stdout.write(enter);
  return {
    show(lines) {
      if (!isOpen) return;
      const codes = frameCodes(shown, lines);
      shown = lines;
      if (codes !== "") stdout.write(codes);
    },
    forget() {
      shown = undefined;
    },
    close,
  };
}

/** Calls `then` once a little later, however often it is asked to: what changes together is drawn together. */
export function drawSoon(clock: Clock, then: () => void): { request(): void; cancel(): void } {
  let cancel: (() => void) | undefined;
  return {
    request() {
      cancel ??= clock.after(frameMs, () => {
        cancel = undefined;
        then();
      });
    },
    cancel() {
      cancel?.();
      cancel = undefined;
    },
  };
}

const frameMs = 16;
