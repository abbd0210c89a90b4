import { describe, expect, test } from "vitest";
import { manualClock, seededRandom } from "../testing/index.ts";
import { refusal } from "./refusal.ts";
import { repeatingPort, type Way, wayFailed } from "./repeating-port.ts";

/** A way to nowhere: what is sent on it is answered as `write` says. */
function nowhere(write: Way["write"]): Way {
  return { cluster: false, waits: false, write, reset() {}, close() {}, listen: () => () => {} };
}

describe("close", () => {
  test("ends what is under way at once: its caller knows that it may be carried out, and no timer outlives the port", async () => {
    const clock = manualClock();
    const port = repeatingPort(
      nowhere(() => new Promise(() => {})),
      { clock },
    );
    const sent = port.send([["PING"]]);

    await port.close();

    await expect(sent).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });
    expect(clock.waiting).toBe(0);
  });

  test("ends what waits for its next try: nothing is sent any more", async () => {
    const clock = manualClock();
    let tries = 0;
    const away = nowhere(async () => {
      tries++;
      throw wayFailed("not connected", "no");
    });
    const port = repeatingPort(away, { clock, random: seededRandom(1) });
    const sent = port.send([["PING"]]);
    await clock.advance(0);
    expect(tries).toBe(1);

    await port.close();

    await expect(sent).rejects.toMatchObject({ code: "REDIS", delivered: "no" });
    expect(tries).toBe(1);
    expect(clock.waiting).toBe(0);
  });
});

test("what was answered keeps its answer when its caller gives up the rest, which was refused, between two tries", async () => {
  const clock = manualClock();
  const busy = refusal("BUSY Redis is busy running a script");
  const half = nowhere(async () => [{ reply: 1 }, { error: busy }]);
  const port = repeatingPort(half, { clock, random: seededRandom(1) });
  const giveUp = new AbortController();
  const sent = port.send(
    [
      ["SADD", "k", "m"],
      ["GET", "k"],
    ],
    { signal: giveUp.signal },
  );
  await clock.advance(0);

  giveUp.abort();

  expect(await sent).toEqual([{ reply: 1 }, { error: expect.objectContaining({ code: "REDIS", delivered: "no" }) }]);
});
