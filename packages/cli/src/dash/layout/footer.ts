import { searchHint } from "../search-text.ts";
import type { DashState } from "../state.ts";
import { badLook, errorLook, footerLook, goodLook } from "./colors.ts";
import { harmless } from "./harmless.ts";
import { cut, ends, fill, fit, type Line, plain, widthOf } from "./line.ts";

/** The last line: what is typed, why Redis cannot be read, or which keys help and what became of the last one. */
export function footer(state: DashState): Line {
  const { columns: width, input, error, work, notice, showsHelp } = state;
  if (input !== undefined) return inputLine(input, width);
  if (error !== undefined) {
    const asOf = ` (as of ${new Date(state.nowMs).toTimeString().slice(0, 8)}, trying again)`;
    return plain(fit(cut(harmless(error), Math.max(20, width - asOf.length)) + asOf, width), errorLook);
  }
  if (work !== undefined) {
    const far = work.done === 0 ? "" : work.of === undefined ? ` ${work.done}` : ` ${work.done} of ${work.of}`;
    const left = ` ${work.action.verb}: at work${far}`;
    return ends(plain(left, goodLook), plain(work.isStopping ? "stopping " : "<Esc>: Stop ", footerLook), width, footerLook);
  }
  const keys = plain(showsHelp ? "<Esc>: GoBack" : "<?>: Help    <Ctrl+C>: Exit ", footerLook);
  if (notice === undefined) return fill(keys, width, footerLook);
  const room = Math.max(0, width - 30);
  return ends(keys, plain(`${cut(harmless(notice.text), room)} `, notice.isBad ? badLook : goodLook), width, footerLook);
}

/** The end of what is typed is what one looks at. */
function inputLine({ of, text, error }: NonNullable<DashState["input"]>, width: number): Line {
  const typed = harmless(text);
  const label = of === "filter" ? "Name: " : "Search: ";
  const room = Math.max(1, width - label.length - 2);
  let shown = typed;
  while (widthOf(shown) > room) shown = shown.slice(1);
  const note = error ?? (typed === "" ? (of === "filter" ? "a part of the queue's name" : searchHint) : "");
  return ends(
    [
      { text: `${label}${shown}`, look: footerLook },
      { text: "▏", look: footerLook },
    ],
    plain(note === "" ? "" : `${note} `, error === undefined ? { ...footerLook, dim: true } : badLook),
    width,
    footerLook,
  );
}
