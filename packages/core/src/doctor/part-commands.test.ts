import { readFileSync } from "node:fs";
import { describe } from "vitest";
import { expect, test } from "../../../../test/support/redis-test.ts";
import { partCommands, parts } from "./part-commands.ts";

/** The recipe of a part, without its comments. */
function rulesOf(part: string): string[] {
  const text = readFileSync(new URL(`../../../../deploy/acl/${part}.acl`, import.meta.url), "utf8");
  return text.replaceAll(/^#.*$/gm, "").split(/\s+/).filter(Boolean);
}

const containers = new Set(["client"]);

/** `client|id` for `client id`. */
function nameOf(command: string): string {
  const [name = "", first = ""] = command.split(" ");
  return containers.has(name) ? `${name}|${first}` : name;
}

describe.each(parts)("what is tried of the part %s", (part) => {
  test("is what its recipe allows, command by command", () => {
    const allowed = rulesOf(part).flatMap((rule) => (rule.startsWith("+") ? rule.slice(1) : []));
    expect([...new Set(partCommands[part].map(nameOf))].sort()).toEqual(allowed.sort());
  });

  test("is allowed by it, and by nothing of it once it is gone", async ({ redis }) => {
    const user = `tried-${part}`;
    const refused = async (): Promise<string[]> => {
      const answers = await Promise.all(partCommands[part].map((command) => redis.call("ACL", "DRYRUN", user, ...command.split(" "))));
      return partCommands[part].filter((_, i) => answers[i] !== "OK");
    };
    await redis.call("ACL", "SETUSER", user, "reset", "on", "nopass", ...rulesOf(part));
    expect(await refused()).toEqual([]);
    await redis.call("ACL", "SETUSER", user, "-@all");
    expect(await refused()).toEqual(partCommands[part]);
    await redis.call("ACL", "DELUSER", user);
  });
});
