import type { Output } from "./surroundings.ts";

/** How far long work is. */
export interface Progress {
  /** `total` is left out where nobody knows it. */
  update(done: number, total?: number): void;
  /** Takes the line away again. */
  end(): void;
}

const barWidth = 24;

/** One line that is written over and over, on a terminal; elsewhere nothing. */
export function showProgress(label: string, output: Output): Progress {
  if (output.isTTY !== true) return { update() {}, end() {} };
  return {
    update(done, total) {
      const share = total ? Math.min(1, done / total) : undefined;
      const bar = share === undefined ? "" : `[${"#".repeat(Math.round(share * barWidth)).padEnd(barWidth)}] `;
      const line = `${label} ${bar}${done}${total === undefined ? "" : `/${total}`}`;
      output.write(`\r\x1b[K${line.slice(0, (output.columns ?? 80) - 1)}`);
    },
    end() {
      output.write("\r\x1b[K");
    },
  };
}
