import { expect, test } from "vitest";
import { packLeases, unpackLeases } from "./heartbeat-messages.ts";
import type { HeldLease } from "./heartbeater.ts";

const lease = (id: string, payload: string): HeldLease => ({
  ...{ queue: `q of ${id}`, id, token: 2 ** 20 - 1, endsAtMs: 1_000.25, deadlineMs: Number.POSITIVE_INFINITY, onLost: () => {} },
  run: { type: `t of ${id}`, payload: Buffer.from(payload), startedAtMs: 1.5, deadlineAtMs: 2e12 },
});

test("leases arrive as they were packed, shifted in time, whatever their names and payloads are", () => {
  const leases = [lease("a\nb\0é", ""), lease("", "some\0bytes"), lease("c", ""), lease("d", "more")];
  // A view on something large, as the answer of a dequeue is: only its own bytes may travel.
  const { payload } = leases[3]!.run;
  const packed = packLeases(leases, [7, 8, 9, 2 ** 40], 500);
  expect(packed.payloads.byteLength).toBe("some\0bytes".length + payload.byteLength);

  const lost: number[] = [];
  const arrived = unpackLeases(structuredClone(packed), (handle) => () => void lost.push(handle));

  expect(arrived.map(({ handle }) => handle)).toEqual([7, 8, 9, 2 ** 40]);
  for (const [i, { lease: got }] of arrived.entries()) {
    const { onLost, run, ...sent } = leases[i]!;
    const { onLost: tell, run: gotRun, ...rest } = got;
    expect(rest).toEqual({ ...sent, endsAtMs: 1_500.25 });
    expect({ ...gotRun, payload: Buffer.from(gotRun.payload) }).toEqual(run);
    tell(undefined as never);
    void onLost;
  }
  expect(lost).toEqual([7, 8, 9, 2 ** 40]);
  expect(unpackLeases(packLeases([], [], 0), () => () => {})).toEqual([]);
});
