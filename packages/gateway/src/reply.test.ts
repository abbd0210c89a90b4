import { expect, test } from "vitest";
import { ReplyReader } from "./reply.ts";

const everyKind = Buffer.concat([
  Buffer.from("+OK\r\n-ERR no\r\n:9223372036854775807\r\n:-1\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n$2\r\nOK\r\n"),
  Buffer.from("*3\r\n*1\r\n$2\r\n\r\n\r\n-ERR inside\r\n*2\r\n+OK\r\n*0\r\n"),
  Buffer.from([0x24, 0x34, 0x0d, 0x0a, 0x00, 0xff, 0x0d, 0x0a, 0x0d, 0x0a]),
]);

const replies = [
  { kind: "status", text: "OK" },
  { kind: "error", text: "ERR no" },
  { kind: "integer", text: "9223372036854775807" },
  { kind: "integer", text: "-1" },
  { kind: "nil" },
  { kind: "nil-array" },
  { kind: "array", items: [] },
  { kind: "bulk", bytes: Buffer.of() },
  { kind: "bulk", bytes: Buffer.from("OK") },
  {
    kind: "array",
    items: [
      { kind: "array", items: [{ kind: "bulk", bytes: Buffer.from("\r\n") }] },
      { kind: "error", text: "ERR inside" },
      {
        kind: "array",
        items: [
          { kind: "status", text: "OK" },
          { kind: "array", items: [] },
        ],
      },
    ],
  },
  { kind: "bulk", bytes: Buffer.of(0x00, 0xff, 0x0d, 0x0a) },
];

test("every kind of reply is told apart", () => {
  expect(new ReplyReader().push(everyKind)).toEqual(replies);
});

test("replies are the same wherever the stream is cut", () => {
  for (let cut = 0; cut <= everyKind.length; cut++) {
    const reader = new ReplyReader();
    expect([...reader.push(everyKind.subarray(0, cut)), ...reader.push(everyKind.subarray(cut))]).toEqual(replies);
  }
});

test("replies are the same byte by byte", () => {
  const reader = new ReplyReader();
  expect([...everyKind].flatMap((byte) => reader.push(Buffer.of(byte)))).toEqual(replies);
});

test("a string of 64 MiB in pieces of 1 KiB, and an array of a million strings, take no time worth mention", () => {
  const reader = new ReplyReader();
  const piece = Buffer.alloc(1024, "x");
  reader.push(Buffer.from(`$${64 * 1024 * 1024}\r\n`));
  for (let i = 0; i < 64 * 1024; i++) if (reader.push(piece).length > 0) throw new Error("too early");
  const [bulk] = reader.push(Buffer.from("\r\n*1000000\r\n"));
  expect(bulk).toMatchObject({ kind: "bulk", bytes: { length: 64 * 1024 * 1024 } });

  const strings = Buffer.from("$1\r\na\r\n".repeat(1000));
  for (let i = 0; i < 999; i++) if (reader.push(strings).length > 0) throw new Error("too early");
  const [array] = reader.push(strings);
  expect(array).toMatchObject({ kind: "array", items: { length: 1_000_000 } });
}, 5_000);

test.each(["?what\r\n", "%1\r\n+a\r\n+b\r\n", ":1.5\r\n", ":\r\n", "$-2\r\n", "$x\r\n", "*99999999999\r\n", "HTTP/1.1 400\r\n"])(
  "%o is no RESP2 and ends the connection",
  (bytes) => {
    expect(() => new ReplyReader().push(Buffer.from(bytes))).toThrow(/^Redis sent/);
  },
);
