import type { Output } from "../surroundings.ts";

/** The parts that `asynqjs dev` runs. */
const partNames = ["redis", "gateway", "worker", "cron", "app"] as const;
type PartName = (typeof partNames)[number];

/** Prints what a part says, each line led by the part's name. */
export interface Say {
  (part: PartName, text: string): void;
  /** The same on stderr: what a part complains of, or we of it. */
  readonly error: (part: PartName, text: string) => void;
}

const width = Math.max(...partNames.map((name) => name.length));
const colors: Readonly<Record<PartName, number>> = { redis: 31, gateway: 35, worker: 32, cron: 36, app: 34 };

/** Colour, where it is wanted, is the name's alone: what a part prints is its own. */
export function sayTo(stdout: Output, stderr: Output, colored: boolean): Say {
  const tell =
    (output: Output) =>
    (part: PartName, text: string): void => {
      const name = part.padEnd(width);
      const led = colored ? `\x1b[${colors[part]}m${name} |\x1b[39m` : `${name} |`;
      output.write(
        text
          .split("\n")
          .map((line) => `${led} ${line}\n`)
          .join(""),
      );
    };
  return Object.assign(tell(stdout), { error: tell(stderr) });
}
