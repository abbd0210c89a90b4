import { expect, test } from "vitest";
import { compactLua } from "./compact-lua.ts";

test("compactLua drops comments and needless space, and keeps those that part words and signs", () => {
  expect(compactLua('-- a note\n  if x == 1 and not y then -- so\n\n    return 2 .. "a -- b" .. z, 1 - -2\n  end\n')).toBe(
    'if x==1 and not y then\nreturn 2 .."a -- b"..z,1- -2\nend',
  );
});

test("compactLua renames what the script declares, and neither fields, text nor what is Redis'", () => {
  expect(
    compactLua(
      [
        "local task, pending = KEYS[1], KEYS[2]",
        "local function count_task(day) return redis.call('x', day, string.task) end",
        'for _, id in ipairs(pending) do count_task(id .. "task") end',
        "for item = 1, #task do remember(item) end",
      ]
        .join("\n")
        .replaceAll("'", '"'),
    ),
  ).toBe(
    [
      "local a,b=unpack(KEYS,1,2)",
      'local function c(d)return redis.call("x",d,string.task)end',
      'for e,f in ipairs(b)do c(f.."task")end',
      "for g=1,#a do remember(g)end",
    ].join("\n"),
  );
});

test("compactLua refuses what it cannot read rather than guess", () => {
  expect(() => compactLua('return "unfinished')).toThrow("cannot read the Lua line");
});
