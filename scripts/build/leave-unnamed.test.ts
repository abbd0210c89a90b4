import { expect, test } from "vitest";
import { leaveUnnamed } from "./leave-unnamed.ts";

test.each([
  ["function f(a) {\n  return a;\n}", "var f = (0, (a) => {\n  return a;\n});"],
  ["async function f({ a }, b = 1) {}", "var f = (0, async ({ a }, b = 1) => {});"],
  ["const f = async (a) => a, b = 1;", "const f = (0, async (a) => a), b = 1;"],
  ["var C = class {\n  #m() {}\n};", "var C = (0, class {\n  #m() {}\n});"],
  ["var f = function() {\n  function g() {}\n};", "var f = (0, function() {\n  var g = (0, () => {});\n});"],
])("leaveUnnamed takes the name from %j", (code, unnamed) => {
  expect(leaveUnnamed(code)).toBe(unnamed);
});

test.each([
  "function f() {\n  return this;\n}",
  "function* f() {}",
  "var C = class _C {\n};",
  "var o = { f() {}, g: () => 1 };",
  "var x = f(() => 1), [y] = [2];",
  "export { f };",
])("leaveUnnamed leaves %j as it is", (code) => {
  expect(leaveUnnamed(code)).toBe(code);
});

test("leaveUnnamed refuses what it cannot read", () => {
  expect(() => leaveUnnamed("function (")).toThrow("cannot read the bundle");
});
