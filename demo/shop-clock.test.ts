import { expect, test } from "vitest";
import { shopClock, shopSpeed, wallTime } from "./shop-clock.ts";

test("the shop's clock is right when it opens and keeps one pace, its timers too", async () => {
  const openedAtMs = Date.now();
  const clock = shopClock(openedAtMs);
  const [beforeMs, monotonicMs] = [Date.now(), performance.now()];
  await new Promise<void>((resolve) => clock.after(60_000, resolve));
  const passedMs = performance.now() - monotonicMs;

  // A minute passed, as whoever waits for one sees it, and so many times less here.
  expect(passedMs).toBeGreaterThan(60_000 / shopSpeed - 10);
  expect(passedMs).toBeLessThan(30_000);
  expect(clock.nowMs() - openedAtMs).toBeGreaterThanOrEqual((Date.now() - beforeMs) * shopSpeed - shopSpeed);
  expect(wallTime(Date.UTC(2026, 0, 1, 18, 42, 7))).toBe("18:42:07");
});
