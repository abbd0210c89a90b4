import { expect, test } from "vitest";
import { hex } from "./hex.ts";

test("every byte is two lower-case digits", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(hex(all)).toBe(Buffer.from(all).toString("hex"));
  expect(hex(new Uint8Array())).toBe("");
});
