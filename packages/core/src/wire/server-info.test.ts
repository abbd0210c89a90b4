import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serverInfo, workerInfo } from "../../../../test/support/wire/golden-vectors.ts";
import { randomServerInfo, randomWorkerInfo } from "../../../../test/support/wire/random-messages.ts";
import { decodeServerInfo, decodeWorkerInfo, encodeServerInfo, encodeWorkerInfo } from "./server-info.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const fromHex = (text: string): Buffer => Buffer.from(text, "hex");

describe("a server", () => {
  test("is written and read as by protoc", () => {
    expect(hex(encodeServerInfo(serverInfo.message))).toBe(serverInfo.hex);
    expect(decodeServerInfo(fromHex(serverInfo.hex), "server")).toEqual(serverInfo.message);
  });

  test("is read back whatever it is", () => {
    fc.assert(
      fc.property(randomServerInfo, (info) => {
        expect(decodeServerInfo(encodeServerInfo(info), "server")).toEqual(info);
      }),
    );
  });

  test("has queues without a prototype, so that __proto__ is a name as any other", () => {
    const queues = JSON.parse('{"__proto__":3}');
    const { queues: read } = decodeServerInfo(encodeServerInfo({ ...serverInfo.message, queues }), "server");
    expect(Object.getPrototypeOf(read)).toBeNull();
    expect(Object.entries(read)).toEqual([["__proto__", 3]]);
  });

  test("is written with its queues in the order of their names", () => {
    const of = (queues: Record<string, number>) => hex(encodeServerInfo({ ...serverInfo.message, queues }));
    expect(of({ b: 1, a: 2, c: 3 })).toBe(of({ a: 2, b: 1, c: 3 }));
  });

  test("is written with text made well-formed", () => {
    const info = { ...serverInfo.message, host: "h\ud800", queues: { "q\udc00": 1 } };
    expect(decodeServerInfo(encodeServerInfo(info), "server")).toMatchObject({ host: "h\ufffd", queues: { "q\ufffd": 1 } });
  });

  test("tells a start left out from one in 1970", () => {
    const at = (startedAtNs: bigint | undefined) => encodeServerInfo({ ...serverInfo.message, startedAtNs });
    expect(hex(at(0n))).toBe(serverInfo.hex.replace("420b0880e2cfaa0610959aef3a", "4200"));
    expect(decodeServerInfo(at(0n), "server").startedAtNs).toBe(0n);
    expect(hex(at(undefined))).toBe(serverInfo.hex.replace("420b0880e2cfaa0610959aef3a", ""));
    expect(decodeServerInfo(at(undefined), "server").startedAtNs).toBeUndefined();
  });

  test.each([
    ["pid", 2 ** 31],
    ["concurrency", 0.5],
    ["activeWorkerCount", Number.NaN],
    ["queues", { q: -(2 ** 31) - 1 }],
    ["startedAtNs", 253_402_300_800_000_000_000n],
    ["startedAtNs", -62_135_596_800_000_000_001n],
  ])("is refused with a %s of %s", (option, value) => {
    expect(() => encodeServerInfo({ ...serverInfo.message, [option]: value })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option }),
    );
  });

  test("is refused with a number that its field does not hold, and is told what it holds", () => {
    expect(() => encodeServerInfo({ ...serverInfo.message, pid: 2 ** 31 })).toThrow(
      "invalid pid: expected a whole number of at most 2147483647",
    );
  });

  test.each([
    ["no bytes", ""],
    ["a cut message", serverInfo.hex.slice(0, 20)],
    ["a host that is not UTF-8", "0a02ff61"],
    ["a queue that is not UTF-8", "2a050a01ff1001"],
    ["a cut time", "42020880"],
  ])("is not read from %s", (_, bytes) => {
    expect(() => decodeServerInfo(fromHex(bytes), "server s")).toThrow(
      expect.objectContaining({ code: "DECODE", message: expect.stringMatching(/^cannot decode server s: /) }),
    );
  });
});

describe("a task being run", () => {
  test("is written and read as by protoc", () => {
    expect(hex(encodeWorkerInfo(workerInfo.message))).toBe(workerInfo.hex);
    expect(decodeWorkerInfo(fromHex(workerInfo.hex), "worker")).toEqual(workerInfo.message);
  });

  test("is read back whatever it is", () => {
    fc.assert(
      fc.property(randomWorkerInfo, (info) => {
        expect(decodeWorkerInfo(encodeWorkerInfo(info), "worker")).toEqual(info);
      }),
    );
  });

  test("is not read from bytes that are no message", () => {
    expect(() => decodeWorkerInfo(fromHex("22"), "worker w")).toThrow(/^cannot decode worker w: it ends inside a field$/);
    expect(() => encodeWorkerInfo({ ...workerInfo.message, pid: 1.5 })).toThrow(/^invalid pid/);
  });

  test.each(["startedAtNs", "deadlineNs"])("is refused with a %s that has no place in a calendar", (option) => {
    expect(() => encodeWorkerInfo({ ...workerInfo.message, [option]: 10n ** 30n })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option }),
    );
  });
});
