/** `npm run bench`: systems side by side in one run. @module */
import { writeFileSync } from "node:fs";
import { buildGoProgram } from "../interop/go-programs.ts";
import { numberOf, readFlags, refuseFlags } from "../support/read-flags.ts";
import { startRedis } from "../support/redis-server.ts";
import type { Case } from "./cases.ts";
import type { Launch, Sample } from "./measure.ts";
import { type RedisMeter, redisMeter } from "./redis-meter.ts";
import { type CaseResult, printCase, toJson } from "./report.ts";
import { scenarios } from "./scenarios.ts";

const flags = readFlags("bench", {
  json: { type: "string" },
  only: { type: "string", multiple: true },
  systems: { type: "string", multiple: true },
  rounds: { type: "string" },
  short: { type: "boolean", default: false },
});
const rounds = numberOf("bench", "rounds", flags.rounds ?? (flags.short ? "1" : "5"), 1);
const share = flags.short ? 0.1 : 1;
const only = (flags.only ?? [""]).flatMap((names) => names.split(","));
const chosen = scenarios.filter(({ name }) => only.some((start) => name.startsWith(start)));
for (const start of only)
  if (!scenarios.some(({ name }) => name.startsWith(start)))
    refuseFlags("bench", `--only: no scenario ${start}; there are ${scenarios.map(({ name }) => name).join(", ")}`);

const launches: Record<string, Launch> = Object.fromEntries(
  ["asynqjs", "asynqjs over HTTP", "limit", "BullMQ", "bee-queue", "groupmq"].map((system) => [system, { system }]),
);
const go = buildGoProgram("v0.26.0", () => {});
if ("file" in go) launches["Go Asynq"] = { go: go.file };
else console.log(`Go Asynq: left out: ${go.missing}`);

const results: CaseResult[] = [];
let wrong = 0;
let redis = "";
for (const scenario of chosen) {
  for (const each of scenario.cases(share)) {
    const samples = await measure(each);
    const result: CaseResult = { scenario: scenario.name, params: each.params, samples };
    results.push(result);
    printCase(result);
    for (const [system, taken] of samples)
      for (const what of taken.flatMap((sample) => sample.wrong)) {
        // What a peer loses is told; only ours is ours to answer for.
        if (system.startsWith("asynqjs")) wrong++;
        console.log(`  ${system}: ${what}`);
      }
  }
}
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(toJson(results, redis), null, 2)}\n`);
console.log(wrong === 0 ? "nothing was lost" : `${wrong} samples of asynqjs went wrong`);
process.exit(wrong === 0 ? 0 : 1);

/** Round by round, all systems in each, on a Redis for this case. */
async function measure({ systems, run, redisArgs = [] }: Case): Promise<Map<string, Sample[]>> {
  const taking = systems.filter((system) => system in launches && (flags.systems?.includes(system) ?? true));
  const samples = new Map<string, Sample[]>(taking.map((system) => [system, []]));
  const server = await startRedis({ args: redisArgs });
  const meter: RedisMeter = redisMeter(server.port);
  redis = await meter.version();
  try {
    for (let round = 0; round < rounds; round++) {
      // Each begins once: who comes first finds the machine as it was.
      for (let i = 0; i < taking.length; i++) {
        const system = taking[(i + round) % taking.length]!;
        await meter.flush();
        samples.get(system)!.push(await run(system, { redisPort: server.port, meter, launches }));
      }
    }
  } finally {
    meter.close();
    await server.stop();
  }
  return samples;
}
