/** Time passes, clocks jump, Redis forgets its scripts, requests come again. @module */
import fc from "fast-check";
import type { Call } from "../call.ts";
import type { SentRequest } from "../model-port.ts";
import type { OperationKind } from "../operation.ts";

export const advanceKind: OperationKind<{ sec: number }> = {
  name: "advance",
  weight: 14,
  args: fc.record({
    sec: fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(1, 1, 5, 5, 5, 20, 20, 30, 31, 60, 61, 61, 120, 125, 300, 301, 600) },
      { weight: 1, arbitrary: fc.constant(90 * 24 * 3600) },
    ),
  }),
  prepare({ sec }, history) {
    return { text: `${sec} s pass`, run: () => history.advance(sec * 1000), moves: [] };
  },
};

export const jumpKind: OperationKind<{ by: number; ms: number }> = {
  name: "jump",
  weight: 2,
  args: fc.record({ by: fc.nat(3), ms: fc.constantFrom(-86_400_000, -60_000, -20_137, -500, 250, 19_900, 60_000, 86_400_000) }),
  prepare({ by, ms }, { actors }) {
    const actor = actors[by]!;
    return {
      text: `the clock of ${actor.name} jumps by ${ms} ms`,
      moves: [],
      async run() {
        // Never so far that a day's counter would be over when it is begun.
        if (Math.abs(actor.skewMs + ms) <= 2 * 86_400_000) actor.jump(ms);
      },
    };
  },
};

export const flushKind: OperationKind<Record<never, never>> = {
  name: "script-flush",
  weight: 1,
  args: fc.record({}),
  prepare(_, history) {
    return { text: "redis forgets its scripts", moves: [], run: () => history.forgetScripts() };
  },
};

/** Whether a call takes tasks. */
const fetches = ({ name }: Call): boolean => name === "dequeue" || name === "settle-and-dequeue";

export const repeatKind: OperationKind<{ back: number; of?: "any" | "lost" | "dequeue" }> = {
  name: "repeat",
  weight: 7,
  args: fc.record({ back: fc.nat(11), of: fc.constantFrom("any", "any", "lost", "dequeue") }),
  prepare({ back, of = "any" }, history) {
    const { port } = history;
    const isMeant = ({ isLost, calls }: SentRequest): boolean => (of !== "dequeue" ? of === "any" || isLost : fetches(calls[0]!));
    const sent = port.sent.filter(isMeant).at(-1 - (of === "any" ? back : back % 3));
    if (sent === undefined) return undefined;
    return {
      text: `once more arrives what was sent as "${sent.text}"`,
      async run() {
        const remembered = await port.repeat(sent);
        // A fetch after its time is a fetch by who holds, by its token, what another fetch brought it before.
        if (!remembered && sent.calls.some(fetches)) history.disturb();
      },
    };
  },
};
