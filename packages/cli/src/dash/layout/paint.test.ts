import { expect, test } from "vitest";
import { frameCodes } from "../terminal.ts";
import { plain } from "./line.ts";
import { depthOf, paint } from "./paint.ts";

test("NO_COLOR, a dumb terminal and FORCE_COLOR=0 have no colours; others have 16 or 256", () => {
  expect(depthOf({ TERM: "xterm-256color" })).toBe(8);
  expect(depthOf({ TERM: "xterm", COLORTERM: "truecolor" })).toBe(8);
  expect(depthOf({ TERM: "linux" })).toBe(4);
  expect(depthOf({ TERM: "xterm-256color", NO_COLOR: "1" })).toBe(1);
  expect(depthOf({ TERM: "dumb" })).toBe(1);
  expect(depthOf({ TERM: "xterm", FORCE_COLOR: "0" })).toBe(1);
});

test("a look becomes the codes of as many colours as there are; without any, what is marked by its background is inverse", () => {
  const line = [...plain("a", { color: 15, background: 88, inverse: true }), ...plain("b"), ...plain("c", { color: 11, bold: true })];
  expect(paint(line, 8)).toBe("\x1b[38;5;15;48;5;88ma\x1b[0mb\x1b[1;38;5;11mc\x1b[0m");
  expect(paint(line, 4)).toBe("\x1b[97;41ma\x1b[0mb\x1b[1;93mc\x1b[0m");
  expect(paint(line, 1)).toBe("\x1b[7ma\x1b[0mb\x1b[1mc\x1b[0m");
});

test("only lines that differ are written, at their place, and all of them where nothing is known of what stands there", () => {
  expect(frameCodes(["a", "b", "c"], ["a", "x", "c"])).toBe("\x1b[?2026h\x1b[2;1H\x1b[2Kx\x1b[?2026l");
  expect(frameCodes(["a"], ["a"])).toBe("");
  expect(frameCodes(undefined, ["a", "b"])).toBe("\x1b[?2026h\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[2;1H\x1b[2Kb\x1b[?2026l");
});
