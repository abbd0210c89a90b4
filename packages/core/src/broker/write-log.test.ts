import { describe } from "vitest";
import { expect, startSec, test } from "../../../../test/support/broker-test.ts";
import { LeaseLostError } from "../errors.ts";
import { maxLogBytes, maxLogLines, writeLog } from "./write-log.ts";

const atMs = startSec * 1000;
const field = ["asynq:{default}:t:a", "logs"] as const;
const line = (message: string, ms = 0) => ({ message, atMs: atMs + ms });

describe("writeLog", () => {
  test("appends lines as JK-97/asynq keeps them, and touches nothing else", async ({ broker, seedActive, redis, keyspace }) => {
    const task = await seedActive("a");
    const before = await keyspace();

    await writeLog(broker, task, [line("first"), line('second: "quoted" / ä😀', 1)]);
    await writeLog(broker, task, [line("", 2)]);

    expect(await redis.hget(...field)).toBe(
      '[{"msg":"first","ts":"2040-01-02T03:04:05.000Z"},' +
        '{"msg":"second: \\"quoted\\" / ä😀","ts":"2040-01-02T03:04:05.001Z"},' +
        '{"msg":"","ts":"2040-01-02T03:04:05.002Z"}]',
    );
    await redis.hdel(...field);
    expect(await keyspace()).toEqual(before);
  });

  test("appends to what the fork's Go wrote: keys in another order, slashes escaped, nanoseconds", async ({
    broker,
    seedActive,
    redis,
  }) => {
    const task = await seedActive("a");
    const theirs = '{"ts":"2040-01-02T03:04:04.123456789Z","msg":"a\\/b"}';
    await redis.hset(...field, `[${theirs}]`);

    await writeLog(broker, task, [line("ours")]);

    expect(await redis.hget(...field)).toBe(`[${theirs},{"msg":"ours","ts":"2040-01-02T03:04:05.000Z"}]`);
  });

  test.for(["", "[]", "{}", "[1]", "nonsense", '[{"msg":'])(
    "starts again where %j stands",
    async (stands, { broker, seedActive, redis }) => {
      const task = await seedActive("a");
      await redis.hset(...field, stands);

      await writeLog(broker, task, [line("x")]);

      expect(JSON.parse((await redis.hget(...field))!)).toEqual([{ msg: "x", ts: "2040-01-02T03:04:05.000Z" }]);
    },
  );

  test("keeps at most 1,000 lines: the oldest go, the first line says how many", async ({ broker, seedActive, redis }) => {
    const task = await seedActive("a");
    const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => line(String(from + i), from + i));
    await writeLog(broker, task, numbered(0, maxLogLines));
    expect(JSON.parse((await redis.hget(...field))!)).toHaveLength(maxLogLines);

    await writeLog(broker, task, numbered(maxLogLines, maxLogLines + 1));

    const logs: { msg: string; ts: string }[] = JSON.parse((await redis.hget(...field))!);
    expect(logs[0]).toEqual({ msg: "251 earlier lines were dropped", ts: "2040-01-02T03:04:05.250Z", "js:dropped": 251 });
    expect(logs.slice(1).map(({ msg }) => Number(msg))).toEqual(Array.from({ length: 750 }, (_, i) => 251 + i));

    await writeLog(broker, task, numbered(1001, 1600));

    const later: { msg: string }[] = JSON.parse((await redis.hget(...field))!);
    const [note, ...kept] = later;
    expect(Number.parseInt(note!.msg, 10)).toBe(Number(kept[0]!.msg));
    expect(kept.at(-1)!.msg).toBe("1599");
    expect(Number(kept[0]!.msg) + kept.length).toBe(1600);
  });

  test("keeps at most 64 KiB, whatever has to be escaped, and cuts a message at 4 KiB", async ({ broker, seedActive, redis }) => {
    const task = await seedActive("a");

    for (let i = 0; i < 10; i++) {
      await writeLog(broker, task, [line("\u0001".repeat(5000)), line("/".repeat(5000)), line("ä".repeat(5000)), line(`end ${i}`)]);

      const text = (await redis.hgetBuffer(...field))!;
      expect(text.length).toBeLessThanOrEqual(maxLogBytes);
      const logs: { msg: string }[] = JSON.parse(text.toString());
      expect(logs.at(-1)!.msg).toBe(`end ${i}`);
      expect(new TextEncoder().encode(logs.at(-2)!.msg).length).toBeLessThanOrEqual(4096);
    }
  });

  test("brings a log without end, as the fork's Go may have left it, within the bounds", async ({ broker, seedActive, redis }) => {
    const task = await seedActive("a");
    const many = Array.from({ length: 20_000 }, (_, i) => ({ ts: "2040-01-02T03:04:04Z", msg: `line ${i}` }));
    await redis.hset(...field, JSON.stringify(many));

    await writeLog(broker, task, [line("ours")]);

    const logs: { msg: string }[] = JSON.parse((await redis.hget(...field))!);
    expect(logs).toHaveLength(751);
    expect(logs[0]).toMatchObject({ msg: "19251 earlier lines were dropped" });
    expect(logs.at(-1)).toEqual({ msg: "ours", ts: "2040-01-02T03:04:05.000Z" });
  });

  /** `count` lines of the fork's, each with its comma as long as it is told. */
  const lines = (count: number, bytes: number): string[] =>
    Array.from({ length: count }, (_, i) => `{"msg":"${String(i).padEnd(bytes - 43, ".")}","ts":"2040-01-02T03:04:04.000Z"}`);

  test("leaves a log of just 64 KiB alone, and of a longer one keeps as many lines as 48 KiB hold", async ({
    broker,
    seedActive,
    redis,
  }) => {
    const task = await seedActive("a");
    const almost = (last: number): string => `[${[...lines(681, 96), ...lines(1, last)].join(",")}]`;

    await redis.hset(...field, almost(115));
    await writeLog(broker, task, [line("x")]);
    expect(await redis.hstrlen(...field)).toBe(maxLogBytes);
    await redis.hset(...field, almost(116));
    await writeLog(broker, task, [line("x")]);
    expect(await redis.hstrlen(...field)).toBeLessThan(maxLogBytes);

    await redis.hset(...field, `[${lines(700, 96).join(",")}]`);
    await writeLog(broker, task, [line("x".padEnd(53, "."))]);
    const [note, ...kept]: { msg: string }[] = JSON.parse((await redis.hget(...field))!);
    expect(note).toMatchObject({ "js:dropped": 189 });
    expect(kept).toHaveLength((48 * 1024) / 96);
  });

  test("drops nothing where the lines, written again, are short enough; and one line where it is the long one", async ({
    broker,
    seedActive,
    redis,
  }) => {
    const task = await seedActive("a");
    const [first, second] = lines(2, 60);
    await redis.hset(...field, `[${first},${" ".repeat(maxLogBytes)}${second}]`);

    await writeLog(broker, task, [line("x")]);
    expect(JSON.parse((await redis.hget(...field))!)).toEqual([
      { msg: "0 earlier lines were dropped", "js:dropped": 0 },
      JSON.parse(first!),
      JSON.parse(second!),
      { msg: "x", ts: "2040-01-02T03:04:05.000Z" },
    ]);

    const long = `{"msg":"${"x".repeat(60_000)}","ts":"2040-01-02T03:04:03.000Z"}`;
    await redis.hset(...field, `[${long},${second}${" ".repeat(maxLogBytes)},${first}]`);
    await writeLog(broker, task, [line("x")]);
    expect(JSON.parse((await redis.hget(...field))!)).toEqual([
      { msg: "1 earlier lines were dropped", ts: "2040-01-02T03:04:03.000Z", "js:dropped": 1 },
      JSON.parse(second!),
      JSON.parse(first!),
      { msg: "x", ts: "2040-01-02T03:04:05.000Z" },
    ]);
  });

  test("takes a count of dropped lines that is no number for a line like any other, and so what is no line", async ({
    broker,
    seedActive,
    redis,
  }) => {
    const task = await seedActive("a");
    const strange = '{"msg":"","js:dropped":"many"}';
    await redis.hset(...field, `[${strange},7,${" ".repeat(maxLogBytes)}${lines(1, 60)}]`);

    await writeLog(broker, task, [line("x")]);

    const logs: unknown[] = JSON.parse((await redis.hget(...field))!);
    expect(logs.slice(0, 3)).toEqual([{ msg: "0 earlier lines were dropped", "js:dropped": 0 }, JSON.parse(strange), 7]);
    expect(logs).toHaveLength(5);
  });

  test("replaces a log that cannot be brought within the bounds: no JSON, or a number that none can hold", async ({
    broker,
    seedActive,
    redis,
  }) => {
    const task = await seedActive("a");
    const long = "x".repeat(maxLogBytes);

    for (const foreign of [`[{"msg":"${long}"}{]`, `[{"msg":"${long}"},{"msg":1e999}]`]) {
      await redis.hset(...field, foreign);
      await writeLog(broker, task, [line("ours")]);
      expect(JSON.parse((await redis.hget(...field))!)).toEqual([{ msg: "ours", ts: "2040-01-02T03:04:05.000Z" }]);
    }
  });

  test("makes text well-formed, which Go demands", async ({ broker, seedActive, redis }) => {
    const task = await seedActive("a");

    await writeLog(broker, task, [line("a\ud800b\0c")]);

    expect(JSON.parse((await redis.hget(...field))!)[0].msg).toBe("a\ufffdbc");
  });

  test("writes nothing for who does not hold the lease: another token, a Go owner, nobody; and makes no ghost", async ({
    broker,
    seedActive,
    redis,
    keyspace,
  }) => {
    const task = await seedActive("a");
    const before = await keyspace();

    await expect(writeLog(broker, { ...task, token: task.token + 1 }, [line("x")])).rejects.toThrow(new LeaseLostError("default", "a"));
    expect(await keyspace()).toEqual(before);

    await redis.del("asynq:{default}:t:a");
    await expect(writeLog(broker, task, [line("x")])).rejects.toThrow(LeaseLostError);
    await redis.zadd("asynq:{default}:lease", startSec + 30, "a");
    await expect(writeLog(broker, task, [line("x")])).rejects.toThrow(LeaseLostError);
    await redis.zrem("asynq:{default}:lease", "a");
    await expect(writeLog(broker, task, [line("x")])).rejects.toThrow(LeaseLostError);
    expect(await redis.exists("asynq:{default}:t:a")).toBe(0);
  });

  test("a write whose answer was lost is repeated as the same call: the line is there once", async ({
    broker,
    port,
    seedActive,
    redis,
  }) => {
    const task = await seedActive("a");
    port.dropReply();

    await expect(writeLog(broker, task, [line("x")])).rejects.toMatchObject({ delivered: "unknown" });
    await port.send(port.sent.at(-1)!);

    expect(JSON.parse((await redis.hget(...field))!)).toHaveLength(1);
  });
});
