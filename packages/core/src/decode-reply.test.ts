import { describe, expect, test } from "vitest";
import {
  decodeBytes,
  decodeCount,
  decodeCounts,
  decodeList,
  decodeOptional,
  decodePage,
  decodeRows,
  decodeScore,
  readReply,
  toCount,
  toNextSec,
} from "./decode-reply.ts";
import type { Reply } from "./redis.ts";
import { decodeText, decodeVerdicts } from "./verdicts.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const unexpected = expect.objectContaining({ code: "DECODE", message: expect.stringContaining("the reply of a script") });
const refuses = (decode: (reply: Reply) => unknown, ...replies: readonly Reply[]): void => {
  for (const reply of replies) expect(() => decode(reply)).toThrow(unexpected);
};

describe("what a script answers is read", () => {
  test("as one verdict for each item, from letters of the table", () => {
    const decode = decodeVerdicts({ y: "yes", n: "no" });
    expect(decode(bytes("yn"), 2)).toEqual(["yes", "no"]);
    expect(decode(bytes(""), 0)).toEqual([]);
    for (const [text, items] of [
      ["y", 2],
      ["yny", 2],
      ["", 1],
      ["z", 1],
      ["y\u00e9", 2],
    ] as const)
      expect(() => decode(bytes(text), items)).toThrow(unexpected);
    refuses((reply) => decode(reply, 1), null, 1, [bytes("y")]);
  });

  test("as counts by their names, no more and no fewer", () => {
    const decode = decodeCounts("a", "b");
    expect(decode(bytes("1,20"))).toEqual({ a: 1, b: 20 });
    refuses(decode, null, 5, [], bytes(""), bytes("1"), bytes("1,2,3"), bytes("1,"), bytes("1,-2"), bytes("1,2.5"), bytes("1,x"));
  });

  test("as a count that a number holds exactly", () => {
    expect([toCount("0"), toCount("007"), toCount("9007199254740991")]).toEqual([0, 7, Number.MAX_SAFE_INTEGER]);
    for (const text of ["", " 1", "1 ", "+1", "-0", "0x1", "1e3", "9007199254740992"]) expect(() => toCount(text)).toThrow(unexpected);

    expect([decodeCount(0), decodeCount(Number.MAX_SAFE_INTEGER), decodeCount(1, 1)]).toEqual([0, Number.MAX_SAFE_INTEGER, 1]);
    refuses(decodeCount, null, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, bytes("1"), [1]);
    expect(() => decodeCount(2, 1)).toThrow(unexpected);
  });

  test("as text, whole", () => {
    expect(["", "\ufeffa", "é\ufeff"].map((text) => decodeText(bytes(text)))).toEqual(["", "\ufeffa", "é\ufeff"]);
    refuses(decodeText, null, 1, []);
  });

  test("as rows of one width, none of them short", () => {
    expect(decodeRows([], 2)).toEqual([]);
    expect(decodeRows([1, 2, 3, 4], 2)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(() => decodeRows([1, 2, 3], 2)).toThrow(unexpected);
  });

  test("as a list, bytes, or nothing", () => {
    expect(decodeList([1, null])).toEqual([1, null]);
    expect(decodeBytes(bytes("a"))).toEqual(bytes("a"));
    expect([decodeOptional(null, decodeText), decodeOptional(bytes(""), decodeText)]).toEqual([undefined, ""]);
    refuses(decodeList, null, 0, bytes("[]"));
    refuses(decodeBytes, null, 0, []);
    refuses((reply) => decodeOptional(reply, decodeText), 0, []);
  });

  test("as a page of a walk, with where to go on", () => {
    expect(decodePage([bytes("17"), [bytes("a"), bytes("b")]])).toEqual({ cursor: "17", items: ["a", "b"] });
    refuses(decodePage, null, [], [bytes("0")], [17, []], [bytes("0"), null], [bytes("0"), [1]]);
  });

  test("as a time, of which one that is none hides no other", () => {
    expect(["1700000000", "1700000000.25", "0"].map((score) => decodeScore(bytes(score)))).toEqual([1_700_000_000, 1_700_000_000.25, 0]);
    for (const score of ["inf", "-inf", "nan", "1e+300", "-5", "x1", "1x", "", "1234567890123", "1.", "1.5.5"])
      expect(decodeScore(bytes(score))).toBe(0);
    refuses(decodeScore, null, 1_700_000_000);
  });
});

test("a reply that cannot be read is an error of the way, which may have been carried out, and says nothing of what was read", () => {
  expect(readReply(bytes("a"), decodeText)).toBe("a");
  expect(() => readReply([bytes("secret")], decodeText)).toThrow(
    expect.objectContaining({
      code: "REDIS",
      delivered: "unknown",
      message: "redis gave an answer that cannot be read",
      cause: expect.objectContaining({ code: "DECODE" }),
    }),
  );
});

test.each([
  [false, 5, 5],
  [false, 0, undefined],
  [true, 5, undefined],
  [true, 0, undefined],
])("where more is due: %s, and the next is due at %d, it is known to be at %s", (more, next, at) => {
  expect(toNextSec(more, next)).toBe(at);
});
