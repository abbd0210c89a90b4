import type { Key } from "ink";
import { expect, test } from "vitest";
import { keysOf } from "./keys.ts";

const none = {} as Key;

test("keys that arrive at once are as many, a paste too", () => {
  expect(keysOf("jjk", none)).toEqual(["j", "j", "k"]);
  expect(keysOf("é👍🏽漢\r", none)).toEqual(["é", "👍🏽", "漢", "enter"]);
  expect(keysOf("a\x7f\x00\x1cb/\x15", none)).toEqual(["a", "backspace", "b", "/", "ctrl+u"]);
});

test("keys with a name are told by it", () => {
  expect(keysOf("", { ...none, upArrow: true })).toEqual(["up"]);
  expect(keysOf("", { ...none, escape: true, meta: true })).toEqual(["escape"]);
  expect(keysOf("l", { ...none, ctrl: true })).toEqual(["ctrl+l"]);
  expect(keysOf("x", { ...none, meta: true })).toEqual([]);
  expect(keysOf("[1;2P", none)).toEqual([]);
  expect(keysOf("[", none)).toEqual(["["]);
});
