import { refusal } from "@asynqjs/core/redis/ioredis";
import { describe, expect, test } from "vitest";
import { readRedirection, SlotMap } from "./slot-map.ts";

const asked = { host: "asked.example", port: 1 };
const node = (host: string | null, port: number) => [host === null ? null : Buffer.from(host), port, Buffer.from("an id")];

describe("SlotMap", () => {
  test("knows the master of each slot, never a replica", () => {
    const map = new SlotMap(
      [
        [0, 99, node("10.0.0.1", 7000), node("10.0.0.9", 7009)],
        [100, 16_383, node("::1", 7001)],
      ] as never,
      asked,
    );
    expect([0, 99, 100, 16_383, undefined].map((slot) => map.masterOf(slot)?.port)).toEqual([7000, 7000, 7001, 7001, 7000]);
    expect(map.masters().map(({ host }) => host)).toEqual(["10.0.0.1", "::1"]);
  });

  test("takes a master without a host to be where it was asked, and a slot nobody has for unknown", () => {
    const map = new SlotMap(
      [
        [5, 6, node(null, 7000)],
        [7, 7, node("", 7001)],
      ] as never,
      asked,
    );
    expect(map.masterOf(5)).toEqual({ host: "asked.example", port: 7000 });
    expect(map.masterOf(7)).toEqual({ host: "asked.example", port: 7001 });
    expect(map.masterOf(8)).toBeUndefined();
  });

  test("goes by what a redirection told since", () => {
    const map = new SlotMap([[0, 16_383, node("h", 1)]] as never, asked);
    map.move(3, { host: "h", port: 2 });
    expect([2, 3].map((slot) => map.masterOf(slot)?.port)).toEqual([1, 2]);
  });
});

describe("readRedirection", () => {
  test("reads MOVED and ASK, with IPv6 hosts and without any, and no other error", () => {
    expect(readRedirection(refusal("MOVED 3999 127.0.0.1:6381"), asked)).toEqual({
      kind: "MOVED",
      slot: 3999,
      to: { host: "127.0.0.1", port: 6381 },
    });
    expect(readRedirection(refusal("ASK 1 ::1:6381"), asked)).toEqual({ kind: "ASK", slot: 1, to: { host: "::1", port: 6381 } });
    expect(readRedirection(refusal("MOVED 1 :6381"), asked)).toEqual({ kind: "MOVED", slot: 1, to: { host: "asked.example", port: 6381 } });
    expect(readRedirection(refusal("ERR no"), asked)).toBeUndefined();
  });
});
