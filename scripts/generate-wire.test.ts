import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { generatedFiles } from "./generate-wire.ts";

test.each(generatedFiles.map(({ file, make }) => ({ name: path.basename(file), file, make })))(
  "the committed $name is what asynq.proto makes",
  ({ file, make }) => {
    expect(make()).toBe(readFileSync(file, "utf8"));
  },
);
