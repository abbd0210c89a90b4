import type { Step } from "./kinds.ts";

const calm = { kind: "none", at: 0 } as const;

/**
 * Makes a failing history as short as it finds in time: leaves out halves, quarters and so on down to single steps as long as it fails, then
 * the faults of what is left.
 */
export async function shorten(
  history: readonly Step[],
  fails: (history: readonly Step[]) => Promise<boolean>,
  isOver: () => boolean,
): Promise<Step[]> {
  let short = [...history];
  for (let size = Math.ceil(short.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = short.length - size; from >= 0 && !isOver(); from -= size) {
      const without = short.filter((_, i) => i < from || i >= from + size);
      if (await fails(without)) short = without;
    }
  }
  for (const [i, step] of short.entries()) {
    if (isOver() || step.fault.kind === "none") continue;
    const tamed = short.with(i, { ...step, fault: calm });
    if (await fails(tamed)) short = tamed;
  }
  return short;
}
