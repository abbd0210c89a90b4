// Waits for Redis' own clock: a script that never ends may be ended a second later at the earliest, and one that has written not at all.
import { expect, test } from "vitest";
import { allMutants } from "./all-mutants.ts";
import { runLane } from "./lane.ts";

test("kills by the clock what never ends, and goes on behind it", async () => {
  const { chunk, start, end } = allMutants(["extend-leases"]).find(({ before }) => before === 'verdicts[item] = "l"')!;
  const texts = ["while true do end", 'redis.call("SET", call, 1) while true do end', ""];
  const mutants = texts.map((text, id) => ({ id, chunk, start, end, text }));

  const { kills } = await runLane({ project: "node", first: [], mutants }, ["packages/core/src/broker/extend-leases.test.ts"]);

  expect([...kills.keys()].sort()).toEqual([0, 1, 2]);
  expect([kills.get(0)!.why, kills.get(1)!.why]).toEqual(["nothing came of it in time", "nothing came of it in time"]);
  expect(kills.get(2)!.why).not.toBe("nothing came of it in time");
});
