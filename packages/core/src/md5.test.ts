import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hex } from "./hex.ts";
import { md5 } from "./md5.ts";

const nodes = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

test("md5 answers what RFC 1321 lists", () => {
  const digestOf = (text: string) => hex(md5(new TextEncoder().encode(text)));
  expect(digestOf("")).toBe("d41d8cd98f00b204e9800998ecf8427e");
  expect(digestOf("message digest")).toBe("f96b697d7cb7938d525a2f31aaf161d0");
  expect(digestOf("1234567890".repeat(8))).toBe("57edf4a22be3c955ac49da2e2107b67a");
});

test("md5 is that of Node, for every length around a block's end and for any bytes", () => {
  for (let length = 0; length <= 260; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 131 + length);
    expect([length, hex(md5(bytes))]).toEqual([length, nodes(bytes)]);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000, size: "max" }), (bytes) => hex(md5(bytes)) === nodes(bytes)),
    { numRuns: 500 },
  );
});

test("md5 takes a part of a larger buffer, and a mebibyte", () => {
  const mebibyte = Uint8Array.from({ length: 1024 * 1024 + 7 }, (_, i) => (i * 2_654_435_761) >>> 24);
  expect(hex(md5(mebibyte))).toBe(nodes(mebibyte));
  expect(hex(md5(mebibyte.subarray(5, 105)))).toBe(nodes(mebibyte.subarray(5, 105)));
});
