import { expect, test } from "vitest";
import { byteCount, dashErrorRate, errorRate } from "./number.ts";

// What Go printed for each.
test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1250, "1.2 kB"],
  [1350, "1.4 kB"],
  [1450, "1.4 kB"],
  [1049, "1.0 kB"],
  [1050, "1.1 kB"],
  [999949, "999.9 kB"],
  [999950, "1000.0 kB"],
  [999999, "1000.0 kB"],
  [1000000, "1.0 MB"],
  [1250000, "1.2 MB"],
  [123456789012, "123.5 GB"],
] as const)("%d bytes are %s", (bytes, text) => {
  expect(byteCount(bytes)).toBe(text);
});

test.each([
  [0, 1, "0.00%", "0.00"],
  [1, 3, "33.33%", "0.33"],
  [2, 3, "66.67%", "0.67"],
  [1, 32, "3.12%", "0.03"],
  [3, 32, "9.38%", "0.09"],
  [5, 32, "15.62%", "0.16"],
  [1, 8, "12.50%", "0.12"],
  [3, 8, "37.50%", "0.38"],
  [5, 8, "62.50%", "0.62"],
  [7, 8, "87.50%", "0.88"],
  [1, 800, "0.12%", "0.00"],
  [3, 800, "0.38%", "0.00"],
  [5, 800, "0.62%", "0.01"],
  [7, 1000, "0.70%", "0.01"],
  [1, 200, "0.50%", "0.01"],
  [1, 7, "14.29%", "0.14"],
  [1000000, 3, "33333333.33%", "333333.33"],
  [1, 1, "100.00%", "1.00"],
] as const)("%d failed of %d are %s, in the dashboard %s", (failed, processed, percent, part) => {
  expect(errorRate(processed, failed)).toBe(percent);
  expect(dashErrorRate(processed, failed)).toBe(part);
});

test("of none there is no rate", () => {
  expect(errorRate(0, 0)).toBe("N/A");
  expect(dashErrorRate(0, 0)).toBe("-");
});
