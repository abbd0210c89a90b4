/** `npm run fuzz`: as `npm test` does it, or longer, or one input again. */
import { numberOf, readFlags, refuseFlags } from "../support/read-flags.ts";
import { answers } from "./answers.ts";
import { feedCorpus, fuzz, type Target, tell } from "./fuzz.ts";
import { startGatewayTarget } from "./gateway.ts";
import { messages } from "./messages.ts";
import { replies } from "./replies.ts";
import { defaultInputs, seed as drawnSeed, readCorpus } from "./runs.ts";

const values = readFlags("fuzz", {
  only: { type: "string" },
  inputs: { type: "string" },
  seed: { type: "string", default: String(drawnSeed) },
  from: { type: "string", default: "0" },
});
const seed = numberOf("fuzz", "seed", values.seed);
const from = numberOf("fuzz", "from", values.from);
const asked = values.inputs === undefined ? undefined : numberOf("fuzz", "inputs", values.inputs, 1);
const names = ["messages", "replies", "answers", "gateway"];
if (values.only !== undefined && !names.includes(values.only))
  refuseFlags("fuzz", `there is no target "${values.only}"; there are: ${names.join(", ")}`);

const isAsked = ({ name }: { readonly name: string }): boolean => (values.only ?? name) === name;

async function run<Input>(target: Target<Input>): Promise<void> {
  await feedCorpus(target, readCorpus(target.name));
  const inputs = asked ?? defaultInputs[target.name as keyof typeof defaultInputs];
  console.log(tell(await fuzz(target, { seed, inputs, from })));
}

// Redis is a child that keeps no process alive.
const alive = setInterval(() => {}, 60_000);
try {
  if (isAsked(messages)) await run(messages);
  if (isAsked(replies)) await run(replies);
  if (isAsked(answers)) await run(answers);
  if (isAsked({ name: "gateway" })) {
    const gateway = await startGatewayTarget();
    try {
      await run(gateway);
      await gateway.checkAfter();
    } finally {
      await gateway.stop();
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  clearInterval(alive);
}
