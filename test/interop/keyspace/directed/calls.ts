import { type DirectedHistories, enqueue, pass, play, queue, task, work } from "./parts.ts";

export const ofCalls: DirectedHistories = {
  async "Lease token"({ lane }) {
    await play(lane, enqueue(task("hold", "hold")), work({ whileHeld: "look" }));
  },
  async "Call record"({ lane }) {
    await play(lane, enqueue(task("ok")), work());
  },
  async Semaphores({ lane }) {
    const held = { deadlineInSec: 5_000, retentionSec: 150 };
    await play(lane, enqueue(task("acquire mailer", "a", held)), work(), enqueue(task("acquire mailer", "b", held)), work());
  },
  async "Cancelations that are not missed"({ lane }) {
    await play(lane, enqueue(task("hold", "hold")), work({ whileHeld: "cancel" }), { move: "cancel", id: "a" });
  },
  async "Bounded log"({ lane }) {
    await play(lane, enqueue(task("log halfway", "a", { retentionSec: 150 })), work(), pass(200), work());
  },
  async "Payload of a running task"({ lane }) {
    await play(lane, enqueue(task(`hold ${"ü".repeat(2_500)}`, "hold")), work({ whileHeld: "look-at-beat" }));
  },
  async "Servers that run nothing"({ lane }) {
    await play(lane, enqueue(task("hold", "hold")), work({ whileHeld: "look" }));
  },
  async "Refused tasks"({ lane }) {
    await play(lane, enqueue(task("ok"), task("ok 2", "a", { uniqueTtlSec: 1_050 })), enqueue(task("ok 2", "b", { uniqueTtlSec: 1_050 })));
  },
  async "Texts of errors"({ lane }) {
    await play(lane, enqueue(task("fail "), task("fail a\0b", "b"), task("fail-long 3000", "c")), work());
  },
  async "Queue names"({ lane }) {
    await play(lane, enqueue(task("ok")), work());
    // Not as a move: that would make new clients.
    await lane.step(
      "delete queue",
      () => lane.peers.go.deleteQueue(queue, false),
      () => lane.peers.ours.deleteQueue(queue, false),
    );
    await play(lane, enqueue(task("ok")), pass(100), enqueue(task("ok", "b")));
  },
};
