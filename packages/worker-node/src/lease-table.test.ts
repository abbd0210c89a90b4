import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import type { HeldLease } from "./heartbeater.ts";
import { LeaseTable, rowBytesFor } from "./lease-table.ts";

const lease = (id: string, payload: string | Uint8Array): HeldLease => ({
  ...{ queue: `q of ${id}`, id, token: 2 ** 20 - 1, endsAtMs: 1_000.25, deadlineMs: Number.POSITIVE_INFINITY, onLost: () => {} },
  run: { type: `t of ${id}`, payload: Buffer.from(payload), startedAtMs: 1.5, deadlineAtMs: 2e12 },
});

function read(memory: SharedArrayBuffer) {
  return Array.from(new LeaseTable(memory).read(), ({ handle, lease }) => {
    const { run, ...rest } = lease()!;
    return { handle, ...rest, run: { ...run, payload: Buffer.from(run.payload).toString("latin1") } };
  });
}

test("leases are read as they were written, shifted in time, whatever their names and payloads are", () => {
  const leases = [
    lease("a\nb\0é😀", ""),
    lease("", "some\0bytes"),
    lease(
      "c",
      Uint8Array.from({ length: 256 }, (_, i) => i),
    ),
  ];
  const table = LeaseTable.make(5);

  for (const [row, one] of leases.entries()) expect(table.write(row + 1, 2 ** 40 + row, one, 500)).toBe(true);

  expect(read(table.memory)).toEqual(
    leases.map(({ onLost, run, ...sent }, i) => ({
      ...{ ...sent, handle: 2 ** 40 + i, endsAtMs: 1_500.25 },
      run: { ...run, payload: Buffer.from(run.payload).toString("latin1") },
    })),
  );
});

test("a row that is cleared is free, and another lease in it is another", () => {
  const table = LeaseTable.make(2);
  table.write(0, 1, lease("a", "x".repeat(100)), 0);
  table.write(1, 2, lease("b", ""), 0);
  const [first] = table.read();

  table.clear(0);
  expect(read(table.memory).map(({ handle }) => handle)).toEqual([2]);

  table.write(0, 3, lease("c", ""), 0);
  expect(read(table.memory).map(({ handle, id }) => [handle, id])).toEqual([
    [3, "c"],
    [2, "b"],
  ]);
  expect(first!.lease()).toBeUndefined();
});

test("a lease that needs a longer row is refused, and fits one of the length it asks for", () => {
  const table = LeaseTable.make(2);
  const long = lease("é".repeat(300), "x".repeat(4096));

  expect(table.write(0, 1, long, 0)).toBe(false);
  expect(read(table.memory)).toEqual([]);

  const larger = LeaseTable.make(2, rowBytesFor(long));
  expect(larger.write(1, 1, long, 0)).toBe(true);
  expect(read(larger.memory)).toMatchObject([{ id: long.id, run: { type: long.run.type } }]);
});

test("tells once that the thread rested", () => {
  const table = LeaseTable.make(1);

  expect(table.endRest()).toBe(false);
  new LeaseTable(table.memory).rest();
  expect([table.endRest(), table.endRest()]).toEqual([true, false]);
});

test("a lease is read whole though another thread writes its row again and again", async () => {
  const { memory } = LeaseTable.make(1);
  const entry = new URL("lease-table.ts", import.meta.url).href;
  const writing = new Worker(
    `const { parentPort, workerData: { entry, memory } } = require("node:worker_threads");
    import(entry).then(({ LeaseTable }) => {
      const table = new LeaseTable(memory);
      let left = 300_000;
      const some = () => {
        for (let i = 0; i < 1_000; i++, left--) {
          const text = String.fromCharCode(97 + (left % 26)).repeat(1 + (left % 60));
          const run = { type: text, payload: Buffer.from(text), startedAtMs: left, deadlineAtMs: left };
          table.write(0, left, { queue: text, id: text, token: left, endsAtMs: left, deadlineMs: left, run }, 0);
        }
        if (left > 0) setImmediate(some);
        else parentPort.postMessage("done");
      };
      some();
    });`,
    { eval: true, workerData: { entry, memory } },
  );
  let done = false;
  const ended = new Promise<void>((resolve, reject) => {
    writing.on("error", reject);
    writing.on("message", () => {
      done = true;
      resolve();
    });
  });
  const table = new LeaseTable(memory);
  let whole = 0;

  while (!done) {
    for (const one of table.read()) {
      const { queue, id, token, endsAtMs, deadlineMs, run } = one.lease() ?? {};
      if (run === undefined) continue;
      whole++;
      const text = String.fromCharCode(97 + (one.handle % 26)).repeat(1 + (one.handle % 60));
      expect([queue, id, run.type, Buffer.from(run.payload).toString()]).toEqual([text, text, text, text]);
      expect([token, endsAtMs, deadlineMs, run.startedAtMs]).toEqual([one.handle, one.handle, one.handle, one.handle]);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  await writing.terminate();

  expect(whole).toBeGreaterThan(0);
});
