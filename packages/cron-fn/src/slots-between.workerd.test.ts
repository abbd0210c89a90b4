import { expect, test } from "vitest";
import { slotsBetween } from "./slots-between.ts";

test("slots are found in workerd, whose time zones they need", () => {
  const afterSec = Date.UTC(2026, 9, 24, 12) / 1000;
  const times = { spec: "30 2 * * sun", timeZone: "Europe/Berlin", anchorSec: afterSec };

  const found = slotsBetween(times, afterSec, afterSec + 9 * 86_400, 9);

  expect(found).toEqual(
    [
      [25, 0, 30],
      [25, 1, 30],
      [32, 1, 30],
    ].map(([day, hour, minute]) => Date.UTC(2026, 9, day, hour, minute) / 1000),
  );
});
