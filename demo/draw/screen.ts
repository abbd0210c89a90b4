import { styleText } from "node:util";
import { createLogUpdate } from "log-update";

/** Where the demo speaks: lines that stay, and at a terminal a block below them that is redrawn in place. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Writes a line that stays. */
  say(line: string): void;
  /** Shows the block as it is now, no line of it to take it away; nothing where there is no terminal. */
  redraw(lines: readonly string[]): void;
  /** Leaves the block as it stands; what follows is written below it. */
  leaveBlock(): void;
  /** Colours a text, if the stream shows colours and `NO_COLOR` is not set. */
  readonly paint: Paint;
}

export type Paint = (style: "bold" | "dim" | "green" | "red" | "yellow" | "cyan", text: string) => string;

/** A screen on a stream such as stdout. */
export function openScreen(stream: NodeJS.WriteStream): Screen {
  const paint: Paint = (style, text) => styleText(style, text, { stream });
  if (!stream.isTTY) {
    return { isTerminal: false, say: (line) => void stream.write(`${line}\n`), redraw: () => {}, leaveBlock: () => {}, paint };
  }
  const draw = createLogUpdate(stream);
  let block = "";
  return {
    isTerminal: true,
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
    paint,
  };
}
