import { expect, test } from "../../test/cli-test.ts";

test("group list prints the names of a queue's groups, or that there are none", async ({ cli, redis }) => {
  expect(await cli("group", "ls", "-q", "mail")).toEqual({ code: 0, out: 'No groups found in queue "mail"\n', err: "" });
  await redis.sadd("asynq:{mail}:groups", "b", "a");

  expect(await cli("group", "list", "--queue=mail")).toEqual({ code: 0, out: "a\nb\n", err: "" });
  expect((await cli("group", "list", "--queue", "mail", "--json")).out).toBe('[{"group":"a","size":0},{"group":"b","size":0}]\n');
});

test("group list wants a queue", async ({ cli }) => {
  expect(await cli("group", "list")).toMatchObject({
    code: 2,
    out: "",
    err: expect.stringContaining("'-q, --queue <name>' not specified"),
  });
});
