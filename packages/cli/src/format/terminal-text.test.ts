import { expect, test } from "vitest";
import { makeStyle } from "../style.ts";
import { terminalText } from "./terminal-text.ts";

const { bold } = makeStyle({ isTTY: true, write() {} }, {});

test("our own emphasis is a terminal's, and the same codes out of Redis are shown", () => {
  expect(terminalText(`${bold("Task Info")}\nType: \x1b[31mred\x1b[1m\x07`)).toBe("\x1b[1mTask Info\x1b[22m\nType: \\e[31mred\\e[1m\\x07");
});

test("letters, spaces and line ends of any script stay", () => {
  expect(terminalText("a\tb\n日本\u00a0👍🏽\n")).toBe("a\tb\n日本\u00a0👍🏽\n");
});
