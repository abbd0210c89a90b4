import { afterAll, expect, test } from "vitest";
import { feedCorpus, fuzz, tell } from "./fuzz.ts";
import { startGatewayTarget } from "./gateway.ts";
import { defaultInputs, readCorpus, seed } from "./runs.ts";

const gateway = await startGatewayTarget();
afterAll(() => gateway.stop());

const patience = { timeout: 900_000 };

test("what was found before is answered as it should be", patience, async () => {
  expect(await feedCorpus(gateway, readCorpus(gateway.name))).toBeGreaterThan(0);
});

test(
  "a hundred thousand requests, well-formed or not, are each answered, and Redis hears only what they say and may",
  patience,
  async () => {
    const report = await fuzz(gateway, { seed, inputs: defaultInputs.gateway });
    console.log(tell(report));
    for (const outcome of ["sent", "400"]) expect(report.outcomes.get(outcome)).toBeGreaterThan(report.inputs / 5);
    await gateway.checkAfter();
  },
);
