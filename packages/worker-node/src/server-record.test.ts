import { hostname } from "node:os";
import { decodeServerInfo, decodeWorkerInfo } from "@asynqjs/core/wire";
import { describe, expect, test } from "vitest";
import { checkConfig } from "./config.ts";
import type { HeldLease } from "./heartbeater.ts";
import { describeServer, serverRecord, shownPayload } from "./server-record.ts";

const server = { host: "h", pid: 1, serverId: "s", concurrency: 5, queues: { low: 1, high: 6 }, strictPriority: true, startedAtMs: 1_500 };
const lease: HeldLease = {
  ...{ queue: "low", id: "a", token: 1, endsAtMs: 0, deadlineMs: 0, onLost: () => {} },
  run: { type: "t", payload: Uint8Array.of(1, 2), startedAtMs: 2_000, deadlineAtMs: 3_000 },
};

describe("describeServer", () => {
  test("names this machine and process, and each server anew", () => {
    const settings = checkConfig({ concurrency: 3, queues: { q: 2 }, strictPriority: true });
    const [one, other] = [describeServer(settings), describeServer(settings)];
    expect(one).toMatchObject({ host: hostname(), pid: process.pid, concurrency: 3, queues: { q: 2 }, strictPriority: true });
    expect(one.serverId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(other.serverId).not.toBe(one.serverId);
  });
});

describe("serverRecord", () => {
  test("tells of a server and each task it holds", () => {
    const { info, workers, ...name } = serverRecord(server, "stopped", new Set([lease]));

    expect(name).toEqual({ host: "h", pid: 1, serverId: "s" });
    const { startedAtMs: _, ...told } = server;
    expect(decodeServerInfo(info, "server")).toEqual({ ...told, status: "stopped", activeWorkerCount: 1, startedAtNs: 1_500_000_000n });
    expect(workers.map(({ taskId }) => taskId)).toEqual(["a"]);
    expect(decodeWorkerInfo(workers[0]!.info, "worker")).toEqual({
      ...{ host: "h", pid: 1, serverId: "s", queue: "low", taskId: "a", taskType: "t", taskPayload: Uint8Array.of(1, 2) },
      ...{ startedAtNs: 2_000_000_000n, deadlineNs: 3_000_000_000n },
    });
  });

  test("bears a deadline that no protobuf time can say", () => {
    for (const deadlineAtMs of [Number.POSITIVE_INFINITY, 1e20, -1e20]) {
      const { workers } = serverRecord(server, "active", new Set([{ ...lease, run: { ...lease.run, deadlineAtMs } }]));
      expect(decodeWorkerInfo(workers[0]!.info, "worker").deadlineNs).toBe(deadlineAtMs < 0 ? 0n : 253_402_214_400_000_000_000n);
    }
  });
});

describe("shownPayload", () => {
  test("leaves up to 4 KiB as they are", () => {
    expect(shownPayload(undefined)).toEqual(new Uint8Array());
    const payload = new Uint8Array(4_096);
    expect(shownPayload(payload)).toBe(payload);
  });

  test("cuts a longer one to 4 KiB, text at the edge of a character", () => {
    expect(shownPayload(new Uint8Array(4_097)).byteLength).toBe(4_096);
    for (const ahead of [0, 1, 2, 3, 4]) {
      const text = "x".repeat(4_096 - ahead) + "\u{1f389}".repeat(10);
      expect(new TextDecoder().decode(shownPayload(new TextEncoder().encode(text)))).toBe(
        text.slice(0, 4_096 - ahead) + (ahead === 4 ? "\u{1f389}" : ""),
      );
    }
    expect(shownPayload(new Uint8Array(5_000).fill(0x80)).byteLength).toBe(4_093);
  });
});
