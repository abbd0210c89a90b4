import { styleText } from "node:util";
import { createLogUpdate } from "log-update";

/** Where the demo speaks: lines that stay, and at a terminal a block below them that is redrawn in place. */
export interface Screen {
  /** Writes a line that stays. */
  say(line: string): void;
  /** Shows the block as it is now, no line of it to take it away; nothing where there is no terminal. */
  redraw(lines: readonly string[]): void;
  /** Leaves the block as it stands; what follows is written below it. */
  leaveBlock(): void;
  /** Cuts a text that has no colours yet to the width of the terminal, less what stands beside it. */
  fit(text: string, less?: number): string;
  /** Colours a text, if the stream shows colours and `NO_COLOR` is not set. */
  readonly paint: Paint;
}

export type Paint = (style: "bold" | "dim" | "green" | "red" | "yellow" | "cyan", text: string) => string;

/** A screen on a stream such as stdout. */
export function openScreen(stream: NodeJS.WriteStream): Screen {
  const paint: Paint = (style, text) => styleText(style, text, { stream });
  if (!stream.isTTY) {
    const say = (line: string): void => void stream.write(`${line}\n`);
    return { say, redraw: () => {}, leaveBlock: () => {}, fit: (text) => text, paint };
  }
  const draw = createLogUpdate(stream);
  let block = "";
  return {
    say(line) {
      if (block === "") stream.write(`${line}\n`);
      else {
        draw.persist(line);
        draw(block);
      }
    },
    redraw(lines) {
      block = lines.join("\n");
      if (block === "") draw.clear();
      else draw(block);
    },
    leaveBlock() {
      block = "";
      draw.done();
    },
    fit: (text, less = 0) => (text.length < stream.columns - less ? text : `${text.slice(0, Math.max(0, stream.columns - less - 2))}…`),
    paint,
  };
}
