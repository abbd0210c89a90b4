import { expect, test } from "vitest";
import { zoneOffsets } from "./zone-offsets.ts";

const at = (iso: string): number => Date.parse(iso) / 1000;

test.each([
  ["UTC", "2026-03-29T01:00:00Z", [0, 0]],
  ["Europe/Berlin", "2026-03-29T01:00:00Z", [3600, 7200]],
  ["Europe/Berlin", "2026-10-25T01:00:00Z", [7200, 3600]],
  ["Australia/Lord_Howe", "2026-04-04T15:00:00Z", [39_600, 37_800]],
  ["Pacific/Apia", "2011-12-30T10:00:00Z", [-36_000, 50_400]],
  ["Asia/Kathmandu", "2026-01-01T00:00:00Z", [20_700, 20_700]],
])("the clocks of %s change to the second at %s", (timeZone, iso, offsets) => {
  const zone = zoneOffsets(timeZone);
  expect([zone.at(at(iso) - 1), zone.at(at(iso))]).toEqual(offsets);
  expect([zone.at(at(iso) - 40_000), zone.at(at(iso) + 40_000)]).toEqual(offsets);
});

test("clocks are steady between two changes and not across one", () => {
  const zone = zoneOffsets("Europe/Berlin");
  expect(zone.isSteady(at("2026-03-30T00:00Z"), at("2026-10-24T23:59:59Z"))).toBe(true);
  expect(zone.isSteady(at("2026-10-24T00:00Z"), at("2026-10-25T00:30Z"))).toBe(false);
  expect(zone.isSteady(at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z"))).toBe(false);
});

test("more years than are kept are answered as well", () => {
  const zone = zoneOffsets("America/New_York");
  const julys = Array.from({ length: 30 }, (_, i) => zone.isSteady(at(`${2000 + i}-01-01T00:00Z`), at(`${2000 + i}-07-01T00:00Z`)));
  expect(julys).toEqual(julys.map(() => false));
  expect(zone.at(at("2000-07-01T00:00Z"))).toBe(-14_400);
});
