import type { Node } from "luaparse";

/** `text` in the place of what stands from `start` to `end`. */
export interface Mutation {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Where a node stands, from and to: parsed with `ranges`, each has it. */
export function rangeOf(node: Node): readonly [number, number] {
  return (node as Node & { readonly range: readonly [number, number] }).range;
}

/** Each of a list left out, where there are others. */
export function withoutOne(list: readonly Node[]): Mutation[] {
  if (list.length < 2) return [];
  const ranges = list.map(rangeOf);
  return ranges.map(([start, end], i) => (i === 0 ? { start, end: ranges[1]![0], text: "" } : { start: ranges[i - 1]![1], end, text: "" }));
}
