import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawStates, statesFile } from "./draw-states.ts";

test("docs/state-machine.md is drawn from the table as it is", () => {
  expect(readFileSync(statesFile, "utf8")).toBe(drawStates());
});

test("arrows that several operations make are one arrow, which names them all", () => {
  const page = drawStates([
    { from: "none", to: "pending", by: "enqueue", when: "now" },
    { from: "archived", to: "none", by: "settle", when: "old" },
    { from: "archived", to: "none", by: "deleteExpired", when: "old" },
  ]);

  expect(page).toContain("  [*] --> pending: enqueue\n  archived --> [*]: settle, deleteExpired\n```");
});
