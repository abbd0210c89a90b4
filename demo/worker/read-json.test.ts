import { describe, expect, test } from "vitest";
import { email, filename, integers, readJson, text, wholeNumber } from "./read-json.ts";

const post = (body: string): Request => new Request("http://shop.example/", { method: "POST", body });

describe("readJson", () => {
  test("reads an object", async () => {
    expect(await readJson(post('{"name":"harbour.jpg"}'))).toEqual({ name: "harbour.jpg" });
  });

  test.each(["", "{", "null", "[]", '"text"', "1"])("refuses %j", async (body) => {
    await expect(readJson(post(body))).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test("refuses what is longer than any order", async () => {
    await expect(readJson(post(JSON.stringify({ item: "x".repeat(16_384) })))).rejects.toThrow("16 KiB");
  });
});

test("a picture is named without a path, so that no other file can be asked for", () => {
  expect(filename({ name: "seahorse-valley.png" }, "name")).toBe("seahorse-valley.png");
  for (const name of ["../../package.json", "/etc/passwd", "a/b.jpg", ".env", "a\\b", "", 7, undefined])
    expect(() => filename({ name }, "name")).toThrow("name: expected");
});

test("an address cannot end a mail's header or add another recipient", () => {
  expect(email({ to: "ada@mail.example" }, "to")).toBe("ada@mail.example");
  for (const to of ["ada", "ada@mail.example\r\nBcc: eve@mail.example", "ada@mail.example, eve@mail.example", "<ada@mail.example>", null])
    expect(() => email({ to }, "to")).toThrow("to: expected");
  expect(() => text({ item: "a frame\nX: y" }, "item")).toThrow("item: expected one line");
});

test("numbers are whole and within their range", () => {
  expect(integers({ widths: [16, 2_000] }, "widths", { least: 16, most: 2_000, howMany: 2 })).toEqual([16, 2_000]);
  for (const widths of [[15], [2_001], [1.5], ["96"], [], [96, 96, 96], 96, undefined])
    expect(() => integers({ widths }, "widths", { least: 16, most: 2_000, howMany: 2 })).toThrow("widths: expected");
  expect(() => wholeNumber({ inSec: Number.NaN }, "inSec", { least: 0, most: 10 })).toThrow("inSec: expected whole numbers from 0 to 10");
});
