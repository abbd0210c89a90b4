import { manualClock } from "@asynqjs/core/testing";
import { expect, test } from "vitest";
import { gate, until } from "../../../test/support/server-test.ts";
import { prober } from "./prober.ts";

test("asks every minute while nothing runs, every 5 s while something does, and waits for all answers", async () => {
  const clock = manualClock(0);
  const at: string[] = [];
  let busy = false;
  let answer = gate();
  answer.open();
  const probes = ["a", "b"].map((name) => async (): Promise<void> => {
    at.push(`${name} ${clock.nowMs() / 1_000}`);
    await answer.opened;
  });
  const part = prober(probes, { clock, heartbeatIntervalMs: 5_000 }, () => busy);
  const since = (): string[] => at.splice(0);
  part.start();
  await clock.advance(124_000);
  expect(since()).toEqual(["a 60", "b 60", "a 120", "b 120"]);

  busy = true;
  await clock.advance(6_000);
  expect(since()).toEqual(["a 125", "b 125", "a 130", "b 130"]);
  answer = gate();
  await clock.advance(19_000);
  expect(since()).toEqual(["a 135", "b 135"]);

  busy = false;
  let stopped = false;
  const stopping = part.stop().then(() => {
    stopped = true;
  });
  await clock.advance(1_000);
  expect(stopped).toBe(false);
  answer.open();
  await stopping;
  await until(() => stopped);
  expect(clock.waiting).toBe(0);
});
