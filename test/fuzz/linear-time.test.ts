import { fetchRedis } from "@asynqjs/core/redis/fetch";
import { decodeSchedulerEntry, decodeServerInfo, decodeTaskMessage, patchTaskMessage } from "@asynqjs/core/wire";
import { gatewayApp, openRedisLink } from "@asynqjs/gateway";
import { afterAll, describe, expect, test } from "vitest";
import { hastyClock, hastyTimeoutMs } from "../support/hasty-clock.ts";
import { startRedis } from "../support/redis-server.ts";
import { measureGrowth } from "./growth.ts";

const patience = { timeout: 300_000 };

/**
 * Sizes double four times: what is quadratic has an exponent of 2, and takes sixteen times as long as it should at the end. A bad moment of a
 * busy machine may bend a line, so it has three tries.
 */
async function expectLinear(sizes: readonly number[], prepare: (size: number) => () => unknown, most = 1.3): Promise<void> {
  const exponents: number[] = [];
  for (let left = 3; left > 0; left--) {
    const { exponent } = await measureGrowth(sizes, prepare);
    exponents.push(exponent);
    if (exponent < most) return;
    // No bad moment does that.
    if (exponent > 1.8) break;
  }
  expect.fail(`grows with an exponent of ${exponents.map((exponent) => exponent.toFixed(2)).join(", ")}: expected less than ${most}`);
}

const kib = (...sizes: readonly number[]): number[] => sizes.map((size) => size * 1024);
const upToAQuarter = kib(16, 32, 64, 128, 256);
const upToAMebibyte = kib(64, 128, 256, 512, 1024);
const upToEightMebibytes = kib(512, 1024, 2048, 4096, 8192);

const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const task = fromHex("0a0174 1a0161");
const repeated =
  (hex: string) =>
  (size: number): Buffer =>
    Buffer.concat([task, Buffer.alloc(size - (size % fromHex(hex).length), fromHex(hex))]);
const sized = (tag: number, value: Uint8Array): Buffer => {
  const length: number[] = [];
  let rest = value.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128);
  return Buffer.concat([task, Buffer.of(tag, ...length, rest), value]);
};

describe.each<[string, (size: number) => Buffer, readonly number[]]>([
  ["a payload", (size) => sized(0x12, Buffer.alloc(size, 0xee)), upToEightMebibytes],
  ["a text", (size) => sized(0x3a, Buffer.from("é".repeat(size / 2))), upToEightMebibytes],
  ["fields nobody knows", repeated("c03e01"), upToAMebibyte],
  ["one field over and over", repeated("3001"), upToAMebibyte],
  ["fields that are kept and dropped in turn", repeated("30012801"), upToAMebibyte],
  ["payloads", repeated("1200"), upToAQuarter],
  ["one header over and over", repeated("7a060a016b120176"), upToAMebibyte],
  ["groups", repeated("0b0c"), upToAMebibyte],
  ["groups in groups", (size) => Buffer.concat([task, Buffer.alloc(size / 2, 0x0b), Buffer.alloc(size / 2, 0x0c)]), upToAMebibyte],
])("a message of %s", (_, make, sizes) => {
  test("is read, or refused, in time linear in its size", patience, () =>
    expectLinear(sizes, (size) => {
      const message = new Uint8Array(make(size));
      return () => {
        try {
          decodeTaskMessage(message, "it");
        } catch {}
      };
    }),
  );

  test("is patched in time linear in its size", patience, () =>
    expectLinear(sizes, (size) => {
      const message = new Uint8Array(make(size));
      return () => patchTaskMessage(message, { retried: 3, errorMsg: "again", completedAtSec: 6 });
    }),
  );
});

/** Up to 87,000 of them. */
const headers = (size: number): Buffer =>
  Buffer.concat([
    task,
    ...Array.from({ length: Math.floor(size / 12) }, (_, i) =>
      Buffer.concat([fromHex("7a0a0a06"), Buffer.from(i.toString(36).padStart(6, "k")), fromHex("1200")]),
    ),
  ]);

// A hash of so many names does not fit the processor's cache any more, which bends the line; a quadratic one is bent to 2.
test("a message of as many headers as fit is read in time about linear in its size", patience, () =>
  expectLinear(
    upToAMebibyte,
    (size) => {
      const message = new Uint8Array(headers(size));
      return () => decodeTaskMessage(message, "it");
    },
    1.6,
  ),
);

test("a message of as many headers as fit is patched in time linear in its size", patience, () =>
  expectLinear(upToAMebibyte, (size) => {
    const message = new Uint8Array(headers(size));
    return () => patchTaskMessage(message, { retried: 3 });
  }),
);

test.each([
  ["times of a server", decodeServerInfo, "4200"],
  ["times of a server with something in them", decodeServerInfo, "420b0880e2cfaa0610959aef3a"],
  ["options of an entry", decodeSchedulerEntry, "2a0161"],
] as const)("%s over and over are read in time linear in their number", patience, (_, decode, hex) =>
  expectLinear(upToAMebibyte, (size) => {
    const message = new Uint8Array(repeated(hex)(size));
    return () => decode(message, "it");
  }),
);

describe("a gateway", async () => {
  const redis = await startRedis();
  const link = openRedisLink(redis.url);
  await link.firstAttempt;
  const app = gatewayApp({ link, tokens: ["token"] });
  afterAll(async () => {
    link.close();
    await redis.stop();
  });
  const ask = async (body: string, status: number, target = "/"): Promise<void> => {
    const request = new Request(`http://gateway${target}`, { method: "POST", body, headers: { Authorization: "Bearer token" } });
    const response = await app.fetch(request);
    await response.arrayBuffer();
    expect(response.status).toBe(status);
  };
  const fill = (piece: string, size: number): string => piece.repeat(Math.floor(size / piece.length));

  test.each<[string, (size: number) => string, number, (readonly number[])?]>([
    ["a long argument", (size) => `["ECHO","${fill("a", size)}"]`, 200, upToEightMebibytes],
    ["escapes", (size) => `["ECHO","${fill('\\"\\\\', size)}"]`, 200],
    ["arguments", (size) => `["EXISTS"${fill(',"a"', size)}]`, 200, upToAQuarter],
    ["numbers that keep their digits", (size) => `["EXISTS"${fill(",1.10", size)}]`, 200, upToAQuarter],
    ["an object of one name over and over", (size) => `["ECHO",{"a":1${fill(',"a":1', size)}}]`, 200],
    ["open brackets", (size) => fill("[", size), 400],
    ["open strings", (size) => fill('"', size), 400],
    ["backslashes in a string that does not end", (size) => `["${fill("\\", size)}`, 400],
    ["blanks", (size) => fill(" ", size), 400],
  ])("answers %s in time linear in the request", patience, (_, make, status, sizes = upToAMebibyte) =>
    expectLinear(sizes, (size) => {
      const body = make(size);
      return () => ask(body, status);
    }),
  );

  test.each([
    ["segments", "/exists", "/a", "?"],
    ["parameters", "/exists", "&a=1", "?a"],
    ["what is encoded", "/exists/", "%ff", "?"],
  ])("answers a path of %s in time linear in its length", patience, (_, path, piece, query) =>
    expectLinear(upToAQuarter, (size) => {
      const target = query === "?a" ? `${path}${query}${fill(piece, size)}` : `${path}${fill(piece, size)}`;
      return () => ask("", 200, target);
    }),
  );

  test("answers a list of Redis in time linear in its length", patience, () =>
    expectLinear(upToAMebibyte, (size) => {
      const name = `list${size}`;
      const filled = link.send([["RPUSH", name, ...Array.from({ length: size / 16 }, () => "0123456789")]], 10_000);
      const body = JSON.stringify(["LRANGE", name, "0", "-1"]);
      return async () => {
        await filled;
        await ask(body, 200);
      };
    }),
  );
});

test.each<[string, (size: number) => string]>([
  ["a long string", (size) => `[{"result":"${"YWJj".repeat(size / 4)}"}]`],
  ["strings", (size) => `[{"result":["YWJj"${',"YWJj"'.repeat(size / 7)}]}]`],
  ["lists", (size) => `[{"result":[[]${",[[]]".repeat(size / 5)}]}]`],
  ["an error that repeats what Redis was told", (size) => `[{"error":"ERR${" , with args beginning with".repeat(size / 27)}"}]`],
  ["an error in capitals", (size) => `[{"error":"${"A".repeat(size)}"}]`],
  ["open brackets", (size) => `[{"result":${"[".repeat(size)}`],
  ["blanks", (size) => " ".repeat(size)],
])("an answer of %s is read by the client in time linear in its size", patience, (_, make) =>
  expectLinear(upToAMebibyte, (size) => {
    const body = make(size);
    const port = fetchRedis({
      url: "https://redis.example",
      token: "token",
      clock: hastyClock(),
      fetch: async () => new Response(body),
      maxTries: 1,
      timeoutMs: 1e7,
      tryTimeoutMs: hastyTimeoutMs,
    });
    return () => port.send([["PING"]]).catch(() => {});
  }),
);
