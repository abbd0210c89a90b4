import { describe, expect, test } from "vitest";
import { GroupedTask } from "./grouped-task.ts";
import { payloadJson, payloadText } from "./read-payload.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a payload", () => {
  test("is read as text, whole, and as JSON", () => {
    expect(payloadText(bytes("\ufeffgrüße"), "it")).toBe("\ufeffgrüße");
    expect(payloadJson(bytes('{"a":[1]}'), "it")).toEqual({ a: [1] });
  });

  test.each([
    ["no UTF-8, as text", () => payloadText(Uint8Array.of(0xff), "the payload of x"), "it is not UTF-8"],
    ["no UTF-8, as JSON", () => payloadJson(Uint8Array.of(0xff), "the payload of x"), "it is not UTF-8"],
    ["no JSON", () => payloadJson(bytes("secret"), "the payload of x"), "it is not JSON"],
  ])("that is %s is refused, and quoted nowhere", (_, read, why) => {
    expect(read).toThrow(expect.objectContaining({ code: "DECODE", message: `cannot decode the payload of x: ${why}` }));
    expect(read).not.toThrow(expect.objectContaining({ cause: expect.anything() }));
  });
});

test("a task of a group tells what it is, and says whose payload it could not read", () => {
  const message = { type: "t", id: "i", queue: "q", retry: 0, retried: 0 };
  const empty = new GroupedTask(message);
  const full = new GroupedTask({ ...message, payload: bytes('"p"'), headers: { h: "v" } });

  expect([empty.type, empty.payload, empty.headers, empty.text()]).toEqual(["t", new Uint8Array(), {}, ""]);
  expect([full.payload, full.headers, full.text(), full.json()]).toEqual([bytes('"p"'), { h: "v" }, '"p"', "p"]);
  expect(() => empty.json()).toThrow('cannot decode the payload of task "i" of queue "q": it is not JSON');
});
