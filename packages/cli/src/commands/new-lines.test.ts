import { expect, test } from "vitest";
import { newLines } from "./new-lines.ts";

const log = (text: string) => [...text].map((message) => ({ message, atMs: 0 }));

test("the lines behind those that were seen are new, also where the first are gone and a note says so", () => {
  for (const [seen, lines, fresh] of [
    ["", "ab", "ab"],
    ["ab", "ab", ""],
    ["ab", "abc", "c"],
    ["aa", "aaa", "a"],
    ["abcd", "!cdef", "ef"],
    ["!cdef", "!efgh", "gh"],
    ["abcd", "cd", ""],
    ["ab", "xyz", "xyz"],
    ["ab", "", ""],
  ] as const)
    expect(newLines(log(seen), log(lines)), `${seen} then ${lines}`).toEqual(log(fresh));
});
