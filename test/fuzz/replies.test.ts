import { expect, test } from "vitest";
import { answers } from "./answers.ts";
import { feedCorpus, fuzz, tell } from "./fuzz.ts";
import { operations } from "./operations.ts";
import { replies } from "./replies.ts";
import { defaultInputs, readCorpus, seed } from "./runs.ts";

const patience = { timeout: 900_000 };

test("each answer that Redis gives is told its caller", async () => {
  for (const { name, answers: given } of operations)
    for (const some of given) {
      const became = await replies.check(replies.fromLine(`${name}: ${JSON.stringify(some)}`));
      // A verdict, told as an error.
      expect([name, became === "LEASE_LOST" ? "told" : became]).toEqual([name, "told"]);
    }
});

test("what was found before is told or refused as it should be", async () => {
  const lines = { replies: readCorpus(replies.name), answers: readCorpus(answers.name) };
  expect(await feedCorpus(replies, lines.replies)).toBeGreaterThan(0);
  expect(await feedCorpus(answers, lines.answers)).toBeGreaterThan(0);
});

test("fifty thousand replies to what core asks of Redis are told in full, or are an error of ours", patience, async () => {
  const report = await fuzz(replies, { seed, inputs: defaultInputs.replies });
  console.log(tell(report));
  for (const outcome of ["told", "REDIS"]) expect(report.outcomes.get(outcome)).toBeGreaterThan(report.inputs / 10);
});

test("fifty thousand answers of HTTP servers are the replies they hold, or a RedisError that tells nothing", patience, async () => {
  const report = await fuzz(answers, { seed, inputs: defaultInputs.answers });
  console.log(tell(report));
  for (const outcome of ["answered", "failed"]) expect(report.outcomes.get(outcome)).toBeGreaterThan(report.inputs / 10);
});
