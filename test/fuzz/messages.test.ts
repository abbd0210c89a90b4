import { expect, test } from "vitest";
import { feedCorpus, fuzz, tell } from "./fuzz.ts";
import { messages } from "./messages.ts";
import { defaultInputs, readCorpus, seed } from "./runs.ts";

const patience = { timeout: 900_000 };

test("what was found before is read and patched as it should be", async () => {
  expect(await feedCorpus(messages, readCorpus(messages.name))).toBeGreaterThan(0);
});

test(
  "a million messages, whole and broken, are read as Go reads them or refused with a DecodeError, and patched byte for byte",
  patience,
  async () => {
    const report = await fuzz(messages, { seed, inputs: defaultInputs.messages });
    console.log(tell(report));
    // Neither may be the rule: then the other would not be tried.
    for (const outcome of ["read", "refused"]) expect(report.outcomes.get(outcome)).toBeGreaterThan(report.inputs / 4);
  },
);
