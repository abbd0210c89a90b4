import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { breaks } from "./breaks.ts";

test.each(Object.entries(breaks))("can break it still: %s", (_, { file, from }) => {
  const source = readFileSync(new URL(`../../packages/${file}`, import.meta.url), "utf8");

  expect(source.split(from)).toHaveLength(2);
});
