import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import { refuseCommand } from "./refuse-command.ts";

const words = (text: string) => text.split(" ") as unknown as Command;

test.each([
  ...["BLPOP k 0", "blpop k 0", "BLMOVE a b LEFT LEFT 0", "BZPOPMIN k 0", "WAIT 1 0", "SUBSCRIBE c", "MONITOR", "MULTI", "EXEC", "WATCH k"],
  ...["AUTH x", "HELLO 3", "SELECT 1", "CLIENT REPLY OFF", "CLIENT KILL TYPE normal", "QUIT", "RESET"],
])("%s is not for a connection that all share", (text) => {
  expect(refuseCommand(words(text))).toBe(
    `ERR Command "${words(text)[0].toUpperCase()}" is not allowed in REST or it has a special context path`,
  );
});

test.each([
  "DEBUG SLEEP 1",
  "SHUTDOWN",
  "CONFIG GET requirepass",
  "MODULE LOAD x",
  "REPLICAOF a 1",
  "ACL LIST",
  "post /",
  "Host: a",
  "MOVE k 1",
  "SWAPDB 0 1",
])("%s is not for a token", (text) => {
  expect(refuseCommand(words(text))).toBe(`ERR Command is not available: '${words(text)[0].toUpperCase()}'`);
});

test.each([
  ["XREAD BLOCK 0 STREAMS s 0", true],
  ["XREAD COUNT 1 block 0 STREAMS s 0", true],
  ["XREADGROUP GROUP g c BLOCK 0 STREAMS s >", true],
  ["XREADGROUP BLOCK 0 GROUP g c STREAMS s >", true],
  ["XREADGROUP GROUP GROUP c BLOCK 0 STREAMS s >", true],
  ["XREADGROUP NOACK GROUP BLOCK GROUP BLOCK 0 STREAMS s >", true],
  ["XREAD STREAMS BLOCK 0", false],
  ["XREAD COUNT 1 STREAMS s 0", false],
  ["XREADGROUP GROUP BLOCK BLOCK STREAMS s >", false],
])("%s waits: %o", (text, waits) => {
  expect(refuseCommand(words(text)) !== undefined).toBe(waits);
});

test("a word as bytes is the same word", () => {
  expect(refuseCommand(["XREAD", Buffer.from("BLOCK"), "0", "STREAMS", "s", "0"])).toBeDefined();
});

test.each(["GET k", "EVALSHA x 0", "SCRIPT LOAD x", "SCRIPT FLUSH", "PUBLISH c m", "INFO", "TIME", "PING", "ECHO a", "FLUSHALL", "KEYS *"])(
  "%s is sent",
  (text) => {
    expect(refuseCommand(words(text))).toBeUndefined();
  },
);

test.each([
  ["COPY a b DB 1", true],
  ["copy a b REPLACE db 1", true],
  ["COPY a b REPLACE", false],
  ["COPY DB DB", false],
])("%s reaches into another database: %o", (text, reaches) => {
  expect(refuseCommand(words(text)) !== undefined).toBe(reaches);
});

test("SCRIPT DEBUG would stop the connection at the next script", () => {
  expect(refuseCommand(["script", "debug", "YES"])).toBe("ERR Command is not available: 'SCRIPT DEBUG'");
});
