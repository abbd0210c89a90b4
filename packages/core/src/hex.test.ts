import { expect, test } from "vitest";
import { hex } from "./hex.ts";

test("every byte is two lower-case digits", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(hex(all)).toBe(Buffer.from(all).toString("hex"));
  expect(hex(new Uint8Array())).toBe("");
});

test("dashes stand where a UUID has them, and none of it stays for the next text", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => 255 - i);
  expect(hex(bytes, true)).toBe("fffefdfc-fbfa-f9f8-f7f6-f5f4f3f2f1f0");
  expect(hex(bytes)).toBe("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0");
  expect(hex(Uint8Array.of(0, 1))).toBe("0001");
});
