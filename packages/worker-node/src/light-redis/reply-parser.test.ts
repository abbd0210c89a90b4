import { describe, expect, test } from "vitest";
import { encodeCommands } from "./encode-commands.ts";
import { ErrorReply, ReplyParser } from "./reply-parser.ts";

const stream =
  "+OK\r\n:-7\r\n$-1\r\n$0\r\n\r\n$5\r\na\r\nb\0\r\n*-1\r\n*0\r\n*3\r\n:1\r\n$1\r\nx\r\n*1\r\n$-1\r\n-ERR é went wrong\r\n$2\r\né\r\n";
const replies = [
  ...[Buffer.from("OK"), -7, null, Buffer.from(""), Buffer.from("a\r\nb\0"), null, []],
  ...[[1, Buffer.from("x"), [null]], new ErrorReply("ERR é went wrong"), Buffer.from("é")],
];

describe("ReplyParser", () => {
  test("reads every kind of reply, wherever the chunks are cut", () => {
    const bytes = Buffer.from(stream);
    for (let first = 0; first <= bytes.length; first++) {
      const parser = new ReplyParser();
      expect([...parser.push(bytes.subarray(0, first)), ...parser.push(bytes.subarray(first))]).toEqual(replies);
    }
    const parser = new ReplyParser();
    expect(Array.from(bytes, (_, i) => parser.push(bytes.subarray(i, i + 1))).flat()).toEqual(replies);
  });

  test("looks at a long reply again only when enough of it has come", () => {
    const value = Buffer.alloc(1_000_000, "x");
    const bytes = Buffer.concat([Buffer.from(`*2\r\n:1\r\n$${value.length}\r\n`), value, Buffer.from("\r\n:2\r\n")]);
    const parser = new ReplyParser();
    const got = [];
    for (let at = 0; at < bytes.length; at += 100) got.push(...parser.push(bytes.subarray(at, at + 100)));
    expect(got).toEqual([[1, value], 2]);
  });

  test("refuses what is no answer of Redis", () => {
    expect(() => new ReplyParser().push(Buffer.from("HTTP/1.1 400 Bad Request\r\n"))).toThrow("not a reply of Redis");
  });
});

describe("encodeCommands", () => {
  test("counts bytes, not characters, and keeps every byte", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(encodeCommands([["SET", "é", bytes], ["PING"]])).toEqual(
      Buffer.concat([Buffer.from("*3\r\n$3\r\nSET\r\n$2\r\né\r\n$256\r\n"), bytes, Buffer.from("\r\n*1\r\n$4\r\nPING\r\n")]),
    );
  });
});
