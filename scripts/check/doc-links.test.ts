import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkDocLinks } from "./doc-links.ts";

test("checkDocLinks finds links to files and headings that are not there, and passes over code and the web", () => {
  const root = mkdtempSync(path.join(tmpdir(), "asynqjs-links-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(path.join(root, "docs"));
  writeFileSync(
    path.join(root, "docs/keys.md"),
    "# Keys\n\n## What `asynq:{q}:t:ID` holds\n\n## Twice\n\n## Twice\n\n```\n# not a heading\n```\n",
  );
  writeFileSync(
    path.join(root, "README.md"),
    [
      "[good](docs/keys.md) [heading](docs/keys.md#what-asynqqtid-holds) [second](docs/keys.md#twice-1) [own](#here) [web](https://example.com/x)",
      "## Here",
      "[gone](docs/gone.md) [no heading](docs/keys.md#not-a-heading) ![picture](docs/gone.png)",
      "[by name][name]",
      "[name]: docs/also-gone.md",
      "`[code](nowhere.md)`",
      "```md\n[code](nowhere.md)\n```",
    ].join("\n\n"),
  );

  expect(checkDocLinks(root).sort()).toEqual([
    "README.md: no docs/also-gone.md",
    "README.md: no docs/gone.md",
    "README.md: no docs/gone.png",
    "README.md: no heading for docs/keys.md#not-a-heading",
  ]);
});
