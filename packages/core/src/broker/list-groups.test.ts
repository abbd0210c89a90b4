import { expect, test } from "../../../../test/support/broker-test.ts";
import { listGroups } from "./list-groups.ts";

test("lists any number of groups a page at a time, whatever they are called", async ({ broker, redis }) => {
  const names = ["a:b", "grüße 世界", ...Array.from({ length: 2_000 }, (_, i) => `g${i}`)];
  await redis.sadd("asynq:{default}:groups", ...names);

  const listed = new Set<string>();
  let pages = 0;
  for (let cursor: string | undefined = "0"; cursor !== undefined; pages++) {
    const page: Awaited<ReturnType<typeof listGroups>> = await listGroups(broker, "default", cursor);
    expect(page.groups.length).toBeLessThan(1_000);
    for (const group of page.groups) listed.add(group);
    cursor = page.cursor;
  }

  expect([...listed].sort()).toEqual(names.sort());
  expect(pages).toBeGreaterThan(5);
  expect(await listGroups(broker, "none")).toEqual({ groups: [], cursor: undefined });
});

test("says what Redis refused", async ({ broker, redis }) => {
  await redis.set("asynq:{default}:groups", "in the way");

  await expect(listGroups(broker, "default")).rejects.toMatchObject({ code: "REDIS", reply: "WRONGTYPE" });
});
