import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { defineScript, sha1 } from "./define-script.ts";
import { bytesPrelude } from "./lua/bytes.ts";
import { callRecord } from "./lua/call-record.ts";

const declared = {
  name: "a-script",
  effect: "read",
  keys: ["one", "two"],
  args: { first: "text", second: "bytes" },
  eachKeys: ["own", "other"],
  each: { id: "text", value: "bytes" },
  lua: `
    for_each_item(value, other ,own) do use(value) end
    for_each_item(id) do use(id) end
  `,
  decode: () => undefined,
} as const;
const bare = { name: "bare", effect: "read", keys: [], args: {}, lua: "  return 1  ", decode: () => undefined } as const;

describe("a script's text", () => {
  test("has every name as a local, those of items in its loops", () => {
    expect(defineScript(declared).text("raw", false)).toBe(`-- asynqjs a-script
local one, two = KEYS[1], KEYS[2]
local first, second = ARGV[1], ARGV[2]
local item_count = (#ARGV - 2) / 2
for item = 1, item_count do
  local value, other, own = ARGV[4 + (item - 1) * 2], KEYS[4 + (item - 1) * 2], KEYS[3 + (item - 1) * 2] use(value) end
    for item = 1, item_count do
  local id = ARGV[3 + (item - 1) * 2] use(id) end`);
  });

  test("unpacks bytes where JSON carries them, with what does it before all", () => {
    expect(defineScript(declared).text("json", false)).toBe(`-- asynqjs a-script
${bytesPrelude.trim()}
local one, two = KEYS[1], KEYS[2]
local first, second = ARGV[1], unpack_bytes(ARGV[2])
local item_count = (#ARGV - 2) / 2
for item = 1, item_count do
  local value, other, own = unpack_bytes(ARGV[4 + (item - 1) * 2]), KEYS[4 + (item - 1) * 2], KEYS[3 + (item - 1) * 2] use(value) end
    for item = 1, item_count do
  local id = ARGV[3 + (item - 1) * 2] use(id) end`);
    expect(defineScript({ ...bare, each: { value: "bytes" } }).text("json", false)).toContain(bytesPrelude.trim());
  });

  test("reads a word without a name as bytes where the body says so", () => {
    const script = defineScript({ ...bare, lua: "return bytes_of(ARGV[2]) .. ARGV[3]" });
    expect(script.text("raw", false)).toBe("-- asynqjs bare\nreturn (ARGV[2]) .. ARGV[3]");
    expect(script.text("json", false)).toBe(`-- asynqjs bare\n${bytesPrelude.trim()}\nreturn unpack_bytes(ARGV[2]) .. ARGV[3]`);
  });

  test("has nothing that it does not need", () => {
    expect(defineScript(bare).text("raw", true)).toBe("-- asynqjs bare\nreturn 1");
    expect(defineScript(bare).text("json", true)).toBe("-- asynqjs bare\nreturn 1");
  });

  test("may run in a full Redis where it says so and Redis knows the header", () => {
    const script = defineScript({ ...bare, allowOom: true });
    expect(script.text("raw", true)).toBe("#!lua flags=allow-oom\n-- asynqjs bare\nreturn 1");
    expect(script.text("raw", false)).toBe("-- asynqjs bare\nreturn 1");
    expect(defineScript({ ...bare, allowOom: false }).text("raw", true)).toBe("-- asynqjs bare\nreturn 1");
  });

  test("begins with its call record, if it writes what must not be written twice", () => {
    const names = "local call, one = KEYS[1], KEYS[2]\nlocal seq, window_s, first = ARGV[1], ARGV[2], ARGV[3]\n";
    const of = (effect: "record" | "record-in-body" | "idempotent") =>
      defineScript({ ...bare, effect, keys: ["one"], args: { first: "text" } }).text("raw", false);

    expect(of("record")).toBe(`-- asynqjs bare\n${names}${callRecord.trim()}\nif replayed then return replayed end\nreturn 1`);
    expect(of("record-in-body")).toBe(`-- asynqjs bare\n${names}${callRecord.trim()}\nreturn 1`);
    expect(of("idempotent")).toBe("-- asynqjs bare\nlocal one = KEYS[1]\nlocal first = ARGV[1]\nreturn 1");
  });

  test("counts the items behind the call record's values", () => {
    const text = defineScript({ ...bare, effect: "record", each: { id: "text" }, lua: "for_each_item(id) do end" }).text("raw", false);
    expect(text).toContain("local item_count = (#ARGV - 2) / 1");
    expect(text).toContain("local id = ARGV[3 + (item - 1) * 1]");
  });

  test("is refused where a loop names what no item has", () => {
    expect(() => defineScript({ ...bare, each: { a: "text" }, lua: "for_each_item(a, b) do end" }).text("raw", false)).toThrow(
      'script bare: for_each_item names "b", which is not declared',
    );
  });
});

test("a script is known by the SHA-1 of each text that it is linked to", async () => {
  const script = defineScript({ ...bare, allowOom: true });
  expect(await script.sha("raw", false)).toBe(createHash("sha1").update("-- asynqjs bare\nreturn 1").digest("hex"));
  expect(await script.sha("raw", true)).not.toBe(await script.sha("raw", false));
  // A text that nobody asked for before.
  const text = `return ${performance.now()}`;
  const sha = createHash("sha1").update(text).digest("hex");
  expect([await sha1(text), await sha1(text)]).toEqual([sha, sha]);
});
