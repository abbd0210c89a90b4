import { expect, test } from "vitest";
import { encodeCommands } from "./command.ts";

test("commands are one piece of RESP2, lengths in bytes, text as UTF-8, bytes as they are", () => {
  const encoded = encodeCommands([["SET", "ключ", Uint8Array.of(0, 255, 13, 10)], ["GET", "\0"], ["PING"]]);

  const text = "*3\r\n$3\r\nSET\r\n$8\r\nключ\r\n$4\r\n|\r\n*2\r\n$3\r\nGET\r\n$1\r\n\0\r\n*1\r\n$4\r\nPING\r\n";
  const [before, after] = text.split("|") as [string, string];
  expect(encoded).toEqual(Buffer.concat([Buffer.from(before), Buffer.of(0, 255, 13, 10), Buffer.from(after)]));
});

test("a lone surrogate becomes U+FFFD and its length is counted so", () => {
  expect(encodeCommands([["\ud800"]])).toEqual(Buffer.from("*1\r\n$3\r\n\ufffd\r\n"));
});
