import { expect, test } from "../../test/cli-test.ts";

test("dash without a terminal says so, and asks no Redis", async ({ cliWith }) => {
  expect(await cliWith({ env: { ASYNQ_REDIS_URL: "redis://127.0.0.1:1" } }, "dash")).toEqual({
    code: 2,
    out: "",
    err: "asynqjs: dash needs a terminal to read keys from and to draw on; 'asynqjs stats' and 'asynqjs queue inspect' print without one\n",
  });
});

test.for(["999ms", "0s", "-5s"])("dash --refresh=%s is refused in Asynq's words", async (refresh, { cli }) => {
  expect(await cli("dash", `--refresh=${refresh}`)).toEqual({ code: 2, out: "", err: "asynqjs: --refresh cannot be less than 1s\n" });
});

test("dash --refresh wants a duration", async ({ cli }) => {
  expect(await cli("dash", "--refresh", "soon")).toMatchObject({ code: 2, err: expect.stringContaining("--refresh <duration>") });
});
