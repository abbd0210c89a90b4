import { describe, expect, test } from "vitest";
import { ErrorReply, type RawReply, ReplyParser } from "./reply-parser.ts";

const stream =
  "+OK\r\n:-7\r\n$-1\r\n$0\r\n\r\n$5\r\na\r\nb\0\r\n*-1\r\n*0\r\n*3\r\n:1\r\n$1\r\nx\r\n*1\r\n$-1\r\n-ERR é went wrong\r\n$2\r\né\r\n:9007199254740991\r\n*1\r\n*2\r\n*0\r\n:0\r\n";
const replies = [
  ...[Buffer.from("OK"), -7, null, Buffer.from(""), Buffer.from("a\r\nb\0"), null, []],
  ...[[1, Buffer.from("x"), [null]], new ErrorReply("ERR é went wrong"), Buffer.from("é"), Number.MAX_SAFE_INTEGER, [[[], 0]]],
];

/** What a parser tells of the chunks, one after the other. */
function read(...chunks: readonly Buffer[]): RawReply[] {
  const got: RawReply[] = [];
  const parser = new ReplyParser((reply) => got.push(reply));
  for (const chunk of chunks) parser.push(chunk);
  return got;
}

/** The bytes in pieces of a length. */
function cut(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}

describe("ReplyParser", () => {
  test("reads every kind of reply, wherever the chunks are cut", () => {
    const bytes = Buffer.from(stream);
    expect(read(bytes)).toEqual(replies);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++)
        expect(read(bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)).length).toBe(replies.length);
      expect(read(bytes.subarray(0, first), bytes.subarray(first))).toEqual(replies);
    }
    for (const length of [1, 2, 3]) expect(read(...cut(bytes, length))).toEqual(replies);
  });

  test("puts a long string together once, alone, whatever came before and after it", () => {
    const value = Buffer.alloc(1_000_000, "x");
    const bytes = Buffer.concat([Buffer.from(`*2\r\n:1\r\n$${value.length}\r\n`), value, Buffer.from("\r\n$1\r\ny\r\n")]);

    const [[, long], short] = read(...cut(bytes, 65_536).map((chunk) => Buffer.copyBytesFrom(chunk))) as [[number, Buffer], Buffer];

    expect(long.equals(value)).toBe(true);
    expect(long.buffer.byteLength).toBeLessThan(value.length + 20);
    expect(short.toString()).toBe("y");
    expect(short.buffer.byteLength).toBeLessThan(100_000);
  });

  test("takes as long for a list in a thousand chunks as its bytes ask for, not its square", () => {
    const item = Buffer.from("$50\r\n".padEnd(55, "x").concat("\r\n"));
    const items = 200_000;
    const bytes = Buffer.concat([Buffer.from(`*${items}\r\n`), ...Array.from({ length: items }, () => item)]);
    let views = 0;
    const chunks = cut(bytes, 1_000).map((chunk) =>
      Object.assign(Buffer.copyBytesFrom(chunk), {
        subarray(from?: number, to?: number) {
          views++;
          return Buffer.prototype.subarray.call(this, from, to);
        },
      }),
    );

    const [list] = read(...chunks) as [Buffer[]];

    expect(list.length).toBe(items);
    // A view for each string, and a few at each chunk's ends.
    expect(views).toBeLessThan(items + 4 * chunks.length);
  });

  test.each([
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["no number where one belongs", ":\r\n"],
    ["no number but a sign", "$-\r\n"],
    ["letters in a length", "$1x\r\na\r\n"],
    ["a length without its line's end", "$1\ra"],
    ["a number without an end", `:${"1".repeat(30)}`],
    ["a status without an end", `+${"x".repeat(100_000)}`],
    ["an error inside of a list", "*1\r\n-ERR x\r\n"],
  ])("refuses %s", (_, text) => {
    expect(() => read(...cut(Buffer.from(text), 997))).toThrow(/not a reply of Redis|an error inside of a list/);
  });
});
