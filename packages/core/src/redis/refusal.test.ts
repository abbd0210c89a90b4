import { expect, test } from "vitest";
import { RedisError } from "../errors.ts";
import { afterTries, isPassing, refusal } from "./refusal.ts";

test("an error of Redis keeps its word and its text", () => {
  expect(refusal("WRONGTYPE Operation against a key")).toMatchObject({
    message: "redis refused: WRONGTYPE Operation against a key",
    reply: "WRONGTYPE",
    delivered: "no",
  });
  expect(["ERR no such key", "OOM", "Oops", "NOT-A WORD", "ERR2 no", "", "lower ERR"].map((text) => refusal(text).reply)).toEqual([
    "ERR",
    "OOM",
    "ERR",
    "ERR",
    "ERR",
    "ERR",
    "ERR",
  ]);
});

test("an error does not repeat the arguments that Redis quotes, over any number of lines", () => {
  const { message } = refusal("ERR unknown command 'x', with args beginning with: 'secret'\n'more secret', with args beginning with: 'y'");
  expect(message).toBe("redis refused: ERR unknown command 'x'");
});

test("what Redis refuses before it does anything was not delivered; of anything else nobody knows", () => {
  const passing = ["READONLY", "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS", "MISCONF"];
  const lasting = ["NOSCRIPT", "WRONGTYPE", "OOM", "NOAUTH", "NOPERM", "WRONGPASS", "MOVED", "ASK", "CROSSSLOT", "STALECALL"];
  for (const word of [...passing, ...lasting]) {
    expect([word, refusal(`${word} text`).delivered, isPassing(refusal(word))]).toEqual([word, "no", passing.includes(word)]);
    for (const other of [`X${word}`, `${word}X`]) expect([refusal(other).delivered, isPassing(refusal(other))]).toEqual(["unknown", false]);
  }
  expect(refusal("ERR text").delivered).toBe("unknown");
  expect(isPassing(undefined)).toBe(false);
  expect(isPassing(new RedisError("no answer", { delivered: "unknown" }))).toBe(false);
});

test("a refusal after a try without an answer may have been carried out", () => {
  const refused = { error: refusal("WRONGTYPE no") };
  expect(afterTries(refused, "no")).toBe(refused);
  expect(afterTries(refused, "unknown").error).toMatchObject({ delivered: "unknown", reply: "WRONGTYPE", message: refused.error.message });
  const answered = { reply: 1 };
  expect(afterTries(answered, "unknown")).toBe(answered);
});
