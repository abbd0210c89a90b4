import { onTestFinished } from "vitest";
import { expect, send, test, token } from "../test/gateway-test.ts";
import type { Command } from "./command.ts";
import { onlyReads, readCommands, refuseUnlessReading } from "./read-commands.ts";
import { startGateway } from "./start.ts";

/** Redis has no flag for these: they write nothing all the same. */
const flagless = ["PING", "ECHO", "TIME", "INFO", "COMMAND", "PUBSUB", "OBJECT", "MEMORY", "XINFO"];
/** Of a Redis later than the one at hand, perhaps. */
const later = ["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"];

test("every command that is said to only read is flagged so by Redis, and Redis knows it", async ({ redis }) => {
  const commands = (await redis.call("COMMAND")) as [name: string, arity: number, flags: string[]][];
  const said = commands.filter(([name]) => onlyReads([name]));

  const writing = said.filter(([name, , flags]) => !flags.includes("readonly") && !flagless.includes(name.toUpperCase()));
  expect(writing.map(([name]) => name)).toEqual([]);
  expect(said.filter(([, , flags]) => flags.includes("write"))).toEqual([]);
  const known = said.map(([name]) => name.toUpperCase());
  expect(readCommands.filter((name) => !known.includes(name) && !later.includes(name))).toEqual([]);
});

test("a token that only reads reads, and does nothing else, by any door", async ({ redisUrl, redis }) => {
  const gateway = await startGateway({ redis: redisUrl, tokens: [token, { token: "reader", role: "read" }], port: 0 });
  onTestFinished(() => gateway.close());
  const headers = { Authorization: "Bearer reader" };
  await redis.set("a", "1");

  expect(await send(gateway.url, "/", '["get","a"]', headers)).toEqual([200, { result: "1" }]);
  expect(await send(gateway.url, "/multi-exec", '[["GET","a"],["STRLEN","a"]]', headers)).toEqual([200, [{ result: "1" }, { result: 1 }]]);
  expect(await send(gateway.url, "/get/a", "", headers)).toEqual([200, { result: "1" }]);
  expect((await send(gateway.url, "/", '["XREAD","BLOCK","0","STREAMS","s","0"]', headers))[0]).toBe(400);
  const stream = await fetch(`${gateway.url}/subscribe/a`, { headers });
  expect(stream.status).toBe(200);
  await stream.body?.cancel();

  for (const command of [
    ...["SET a 2", "set a 2", "GETEX a PERSIST", "GETDEL a", "SORT a STORE b", "EVAL return(1) 0", "EVAL_RO return(1) 0", "FCALL_RO f 0"],
    ...[
      "KEYS *",
      "SCAN 0",
      "PUBLISH a b",
      "GEORADIUS a 1 1 1 m STORE b",
      "BITFIELD a SET u8 0 1",
      "FLUSHALL",
      "XREADGROUP GROUP g c STREAMS s >",
    ],
    ...["CONFIG GET *", "INFO", "SCRIPT FLUSH", "NOSUCH"],
  ]) {
    const words = command.split(" ");
    const error = `NOPERM this token only reads: '${words[0]!.toUpperCase()}' is not allowed`;
    expect(await send(gateway.url, "/", JSON.stringify(words), headers)).toEqual([400, { error }]);
    expect(await send(gateway.url, "/pipeline", JSON.stringify([words]), headers)).toEqual([200, [{ error }]]);
    expect((await send(gateway.url, "/multi-exec", JSON.stringify([["GET", "a"], words]), headers))[0]).toBe(400);
    expect(await send(gateway.url, `/${words.map(encodeURIComponent).join("/")}`, "", headers)).toEqual([400, { error }]);
    expect(refuseUnlessReading(words as unknown as Command)).toBe(error);
  }
  expect([await redis.get("a"), await redis.dbsize()]).toEqual(["1", 1]);
});
