import { expect, test } from "vitest";
import { storedTask } from "../../test/dash-state.ts";
import { readSearch } from "./search-text.ts";

test.for([
  ["id:abc type:mail:*", { id: "abc", type: "mail:*" }],
  ['error:"timed out"', { error: "timed out" }],
  ["user.id=42", { payload: { field: "user.id", equals: 42 } }],
  ['name="42"', { payload: { field: "name", equals: "42" } }],
  ["to=ann", { payload: { field: "to", equals: "ann" } }],
] as const)("%s asks for %j", ([typed, filter]) => {
  expect(readSearch(typed)).toEqual({ filter });
});

test("words of no kind have to stand somewhere in the task, in upper or lower case", () => {
  const { where } = (readSearch("Timeout 漢字") as { filter: { where: (task: unknown) => boolean } }).filter;
  const payload = new TextEncoder().encode('{"漢字":1}');
  expect(where(storedTask("t", { lastErr: "connect TIMEOUT", payload }))).toBe(true);
  expect(where(storedTask("t", { lastErr: "connect TIMEOUT" }))).toBe(false);
});

test.for(["", "   ", "id:", "a=1 b=2"])("%j is no search, and it is said why", (typed) => {
  expect(readSearch(typed)).toEqual({ why: expect.any(String) });
});
