import { expect, test } from "vitest";
import { readOptions } from "./options.ts";

const plain = { once: false, killWorker: false, breakWorker: false, outDir: undefined };

test("the demo stays up at a terminal and ends by itself anywhere else", () => {
  expect(readOptions([], true)).toEqual(plain);
  expect(readOptions([], false)).toEqual({ ...plain, once: true });
  expect(readOptions(["--once"], true)).toEqual({ ...plain, once: true });
});

test("options say what happens to the worker", () => {
  expect(readOptions(["--kill-worker"], true)).toEqual({ ...plain, killWorker: true });
  expect(readOptions(["--break-worker"], true)).toEqual({ ...plain, breakWorker: true });
});

test("files may go elsewhere", () => {
  expect(readOptions(["--out", "elsewhere"], true)).toEqual({ ...plain, outDir: "elsewhere" });
});

test("a call for help is no run", () => {
  expect(readOptions(["--once", "--help"], true)).toBeUndefined();
});

test("what it does not know is named", () => {
  expect(() => readOptions(["--twice"], true)).toThrow("--twice");
  expect(() => readOptions(["once"], true)).toThrow("once");
});
