import { describe, expect, test } from "vitest";
import { FieldWriter } from "./field-writer.ts";

describe("a field writer", () => {
  test("shares no room with another at work", () => {
    new FieldWriter(8).finish();
    const [one, two] = [new FieldWriter(8), new FieldWriter(8)];
    one.text(1, "one");
    two.text(1, "two");
    one.text(2, "more");

    expect(Buffer.from(one.finish()).toString("latin1")).toBe("\n\u0003one\u0012\u0004more");
    expect(Buffer.from(two.finish()).toString("latin1")).toBe("\n\u0003two");
  });
});
