/**
 * What real Go Asynq leaves behind by each hole of its scripts (`test/interop/golden`), healed by our ticks: after a few minutes of them no
 * invariant is broken, and every task that was acknowledged has its chance. `npm run interop -- golden` makes them anew with Go, in full number, and has them healed as well.
 */
import { describe } from "vitest";
import { expect, test } from "../../../../test/support/broker-test.ts";
import { type GoStateName, restoreGoState } from "../../../../test/support/go-state.ts";
import { heal, runAll } from "../../../../test/support/heal.ts";
import { scanInvariants } from "../invariants/scan-invariants.ts";

interface Leftover {
  readonly hole: string;
  readonly state: GoStateName;
  readonly healed: string;
  /** Which invariants it breaks. */
  readonly broken: readonly string[];
  /** The ids that run after it was healed. */
  readonly runs: readonly string[];
  /** What an operator does first: a key of the wrong kind is nobody's to delete but theirs. */
  readonly operator?: readonly string[];
}

const leftovers: readonly Leftover[] = [
  { hole: "A", state: "evicted-lease", healed: "a task in no container is active again, and recovered", broken: ["I1"], runs: ["a"] },
  { hole: "B", state: "dangling", healed: "an id without a message is dropped, and so is its ghost", broken: ["I3"], runs: [] },
  { hole: "C", state: "refused-unique", healed: "locks of refused tasks are given back", broken: ["I8", "I8", "I8"], runs: ["a"] },
  {
    hole: "D",
    state: "archive-failed",
    healed: "what was archived and does not say so says so, and ids of deleted tasks are dropped",
    broken: ["I2", "I2", "I2", "I4", "I4", "I4"],
    runs: [],
  },
  { hole: "E", state: "aggregating", healed: "a set that nobody holds is given back and aggregated", broken: [], runs: ["digest of 3"] },
  { hole: "E", state: "reclaimed", healed: "a group that no index names is named and aggregated", broken: ["I9"], runs: ["digest of 3"] },
  { hole: "F", state: "zombie", healed: "a task that a zombie took out of another's hands runs again", broken: [], runs: ["a"] },
  {
    hole: "G",
    state: "hole-in-set",
    healed: "what cannot be read is set aside, and the rest of its set is aggregated",
    broken: ["I3"],
    runs: ["digest of 2"],
  },
  { hole: "H", state: "trimmed", healed: "hashes of trimmed tasks are removed", broken: Array(51).fill("I1"), runs: [] },
  {
    hole: "I",
    state: "wrong-lease",
    healed: "once the wrong key is gone, active tasks without a lease are recovered",
    broken: ["I5", "I5", "I5", "I5"],
    runs: ["a", "b", "c"],
    operator: ["DEL", "asynq:{default}:lease"],
  },
];

describe("what Go leaves", () => {
  for (const { hole, state, healed, broken, runs, operator } of leftovers) {
    test(`hole ${hole}: ${healed} (${state})`, async ({ redis, port, broker, clock }) => {
      await restoreGoState(redis, state);
      const found = await scanInvariants(port);
      expect(found.findings.map(({ invariant }) => invariant).sort()).toEqual(broken);
      if (operator !== undefined) await redis.call(operator[0]!, ...operator.slice(1));

      await heal(broker, clock);

      expect((await scanInvariants(port)).findings).toEqual([]);
      expect(await runAll(broker, clock)).toEqual(runs);
      expect((await scanInvariants(port)).findings).toEqual([]);
    });
  }
});
